import type { Clock } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import { keepsCheckpoints } from './checkpoint-retention.ts';
import type { JobMasterOptions, JobResult } from './job-master-options.ts';
import type { RunningJob } from './running-job.ts';

const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;

/** The end of a job in the order of R9: its result, then slots, pointers, files. What is not written has not ended. */
export class JobEnd {
  readonly #options: Pick<
    JobMasterOptions,
    'jobId' | 'clock' | 'logger' | 'graph' | 'restore' | 'checkpointFolder' | 'persistResult'
  >;
  /** This process leads no more: another one ends the job. */
  isSuspended = false;
  /** Another JobMaster of this leader goes on with the job. */
  isRetired = false;

  readonly startedMs: number;

  constructor(options: JobMasterOptions) {
    this.#options = options;
    this.startedMs = options.clock.now();
  }

  /** Never rejects; resolves with the result as it is written. */
  async carryOut(
    running: RunningJob | undefined,
    status: JobResult['status'],
    told: Pick<JobResult, 'restarts' | 'savepoint' | 'error'>,
  ): Promise<JobResult> {
    const { jobId, clock } = this.#options;
    const result: JobResult = { jobId, status, ...told, durationMs: clock.now() - this.startedMs };
    const userCodeEnded = running?.splits.close();
    if (result.status === 'SUSPENDED') {
      if (this.isRetired && !this.isSuspended) {
        await running?.close('the job is rescaled');
      }
      running?.coordinator.abandon();
    } else {
      await this.#persist(result);
      running?.slots.close();
      if (this.isSuspended) {
        running?.coordinator.abandon();
      } else {
        await running?.coordinator.shutDown(`the job is ${result.status}`, this.#keepsCheckpoints(result.status));
      }
    }
    await userCodeEnded;
    return this.isSuspended ? { ...result, status: 'SUSPENDED' } : result;
  }

  /** A store that is away delays the end (R5). */
  async #persist(result: JobResult): Promise<void> {
    const { clock, logger, persistResult } = this.#options;
    for (let delayMs = RETRY_MS; !this.isSuspended; delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)) {
      try {
        await persistResult?.(result);
        return;
      } catch (error) {
        if (codeOf(error) === 'LEADERSHIP_LOST') {
          this.isSuspended = true;
        } else {
          logger.warn(`The result of job ${result.jobId} cannot be written yet: ${messageOf(error)}`, { error });
          await pause(clock, delayMs);
        }
      }
    }
  }

  #keepsCheckpoints(status: JobResult['status']): boolean {
    const { graph, restore, checkpointFolder } = this.#options;
    const retention = graph.checkpointing?.retention ?? 'NO_EXTERNALIZED_CHECKPOINTS';
    // What the job was restored from belongs to the user unless it was claimed; it may be of this job id, and lie here.
    const isUsersHere = restore !== undefined && restore.isClaimed !== true && restore.baseFolder === checkpointFolder;
    return isUsersHere || keepsCheckpoints(status, retention);
  }
}

const pause = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
