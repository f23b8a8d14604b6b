import { Worker } from 'node:worker_threads';
import type { Clock } from '../foundation/common/clock.ts';
import { messageOf, MillraceError, type ErrorInfo } from '../foundation/common/errors.ts';
import type { RescaledPlan } from '../runtime/jobmanager/dispatcher/job-starter.ts';
import type { RescalePlanAnswer, RescalePlanRequest } from './rescale-plan-protocol.ts';
import { workerEntry } from './worker-entries.ts';

export interface PlanLimits {
  readonly heapBytes: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const MIB = 1_048_576;

/**
 * Runs a job's builder in a thread of its own, as user code does not run in a JobManager (R13). Errors: those of the builder; BAD_JOB
 * where it dies or does not come to its end.
 */
export const planInThread = (
  request: RescalePlanRequest,
  { heapBytes, timeoutMs, clock }: PlanLimits,
): Promise<RescaledPlan> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(workerEntry('rescale-plan'), {
      workerData: request,
      name: 'rescale plan',
      // What the builder prints was seen at submission.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytes / MIB) },
    });
    const fail = (problem: string): void => {
      reject(new MillraceError('BAD_JOB', `the job's builder, run again for the new parallelism, ${problem}`));
      void worker.terminate();
    };
    const timer = clock.after(timeoutMs, () =>
      fail(`did not end within ${timeoutMs} ms (jobmanager.user-code.timeout)`),
    );
    worker.on('message', (answer: RescalePlanAnswer) => {
      if (answer.kind === 'planned') {
        resolve(answer.plan);
      } else {
        reject(errorOf(answer.error));
      }
      void worker.terminate();
    });
    worker.on('error', (thrown) => fail(`died: ${messageOf(thrown)}`));
    worker.on('exit', (code) => {
      timer.cancel();
      fail(`ended its thread with exit code ${code}`);
    });
  });

/** The thread cannot hand over an error as it is. */
const errorOf = ({ code, message, cause }: ErrorInfo): MillraceError =>
  new MillraceError(code === 'BAD_OPTION' ? 'BAD_OPTION' : 'BAD_JOB', message, { cause });
