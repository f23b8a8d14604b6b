import { systemClock } from '../../foundation/common/system-clock.ts';
import { systemRandom } from '../../foundation/common/system-random.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import type { JobSubmission, SubmissionAnswer } from '../../runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { openHighAvailability } from '../high-availability.ts';
import { startJobManager } from '../start-job-manager.ts';

/** A JobManager as a process of its own, which a test kills. */
export type ToJobManager =
  | { readonly kind: 'start'; readonly configuration: Readonly<Record<string, string>> }
  | { readonly kind: 'submit'; readonly submission: JobSubmission };

export type FromJobManager =
  | { readonly kind: 'started'; readonly rpcAddress: string }
  | { readonly kind: 'submitted'; readonly answer: SubmissionAnswer }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'log'; readonly line: string };

const send = (message: FromJobManager): void => {
  process.send?.(message);
};

const log = (line: string): void => send({ kind: 'log', line });
const logger = { debug: log, info: log, warn: log, error: log };
let jobManager: Awaited<ReturnType<typeof startJobManager>> | undefined;

const handle = async (message: ToJobManager): Promise<void> => {
  if (message.kind === 'start') {
    const configuration = Configuration.of(message.configuration);
    const surroundings = { clock: systemClock, random: systemRandom, logger, role: 'jobmanager' } as const;
    const { services, storage } = await openHighAvailability(configuration, surroundings);
    jobManager = await startJobManager(configuration, { haServices: services, storage, logger });
    send({ kind: 'started', rpcAddress: jobManager.rpcAddress });
  } else if (jobManager !== undefined) {
    send({ kind: 'submitted', answer: await jobManager.gateway.submit(message.submission) });
  }
};

process.on('message', (message: ToJobManager) => {
  handle(message).catch((error: unknown) => send({ kind: 'failed', message: String(error) }));
});
process.on('disconnect', () => process.exit(0));
