import type { JobId } from '../../src/foundation/common/ids.ts';
import type { Logger } from '../../src/foundation/common/logger.ts';
import { systemClock } from '../../src/foundation/common/system-clock.ts';
import { systemRandom } from '../../src/foundation/common/system-random.ts';
import { Configuration } from '../../src/foundation/config/configuration.ts';
import { openHighAvailability } from '../../src/process/high-availability.ts';
import { startJobManager } from '../../src/process/start-job-manager.ts';
import type { JobDetails, JobSubmission } from '../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';

/** What the JobManager processes of these tests are told, and what they answer. */
export type ToJobManager =
  | { readonly kind: 'submit'; readonly submission: JobSubmission }
  | { readonly kind: 'details'; readonly jobId: JobId };

export type FromJobManager =
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'started'; readonly instanceId: string }
  | { readonly kind: 'answer'; readonly error?: string; readonly details?: Pick<JobDetails, 'state' | 'restarts'> };

const send = (message: FromJobManager): void => void process.send?.(message);
const note = (line: string): void => send({ kind: 'log', line });
const logger: Logger = { debug: () => {}, info: note, warn: note, error: note };

const configuration = Configuration.of(JSON.parse(process.argv[2] ?? '{}') as Record<string, string>);
const surroundings = { clock: systemClock, random: systemRandom, logger, role: 'jobmanager' as const };
const { services, storage } = await openHighAvailability(configuration, surroundings);
const jobManager = await startJobManager(configuration, { haServices: services, storage, logger });

const answer = async (message: ToJobManager): Promise<FromJobManager> => {
  if (message.kind === 'submit') {
    await jobManager.gateway.submit(message.submission);
    return { kind: 'answer' };
  }
  const { state, restarts } = await jobManager.gateway.details(message.jobId);
  return { kind: 'answer', details: { state, restarts } };
};

process.on('message', (message: ToJobManager) => {
  answer(message).then(send, (error: unknown) => send({ kind: 'answer', error: String(error) }));
});
process.once('disconnect', () => process.exit(0));
send({ kind: 'started', instanceId: jobManager.instanceId });
