import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { CheckpointCoordinator } from '../checkpoint-coordinator/checkpoint-coordinator.ts';
import type { CheckpointStorage } from '../checkpoint-coordinator/checkpoint-storage.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import type { JobResult } from './job-master-options.ts';
import { isTerminal, type JobStatus } from './job-status.ts';

export interface SnapshotRequestsOptions {
  readonly storage: CheckpointStorage;
  readonly result: Promise<JobResult>;
  /** Runs `run` in the JobMaster's turn; `undefined` when nobody takes checkpoints, with the reason. */
  readonly inTurn: (run: (coordinator: CheckpointCoordinator | undefined, status: JobStatus) => void) => void;
  readonly jobName: string;
}

/** Checkpoints and savepoints that somebody asks for. */
export class SnapshotRequests {
  readonly #options: SnapshotRequestsOptions;

  constructor(options: SnapshotRequestsOptions) {
    this.#options = options;
  }

  /** See `JobMaster.stop`. */
  async stop(directory: string, drain: boolean): Promise<CompletedCheckpoint> {
    const checkpoint = await this.#savepointInto(directory, drain ? 'drain' : 'suspend');
    const { status, error } = await this.#options.result;
    if (status !== 'FINISHED') {
      throw new MillraceError(
        'TASK_FAILED',
        `the savepoint ${checkpoint.baseFolder} is complete, but the job ended ${status} before all of it was committed`,
        { cause: error },
      );
    }
    return checkpoint;
  }

  /** Rejects when nobody takes snapshots now. */
  available(): Promise<unknown> {
    return this.#withCoordinator(() => Promise.resolve());
  }

  savepoint(directory: string): Promise<CompletedCheckpoint> {
    return this.#savepointInto(directory, 'no');
  }

  checkpoint(): Promise<CompletedCheckpoint> {
    return this.#withCoordinator((coordinator) => coordinator.request({ kind: 'checkpoint' }));
  }

  async #savepointInto(directory: string, stop: 'no' | 'suspend' | 'drain'): Promise<CompletedCheckpoint> {
    const { storage } = this.#options;
    const folder = await storage.newSavepointFolder(directory);
    try {
      return await this.#withCoordinator((coordinator) => coordinator.request({ kind: 'savepoint', folder, stop }));
    } catch (error) {
      if (codeOf(error) === 'NOT_LEADER') {
        // The pointer to it may have been written: whoever leads next reads that (R2).
        throw error;
      }
      const nothing = { checkpointId: 0 as CheckpointId, folder, savepoint: true };
      await storage.discard(nothing, []).catch(() => {});
      throw error;
    }
  }

  #withCoordinator<T>(run: (coordinator: CheckpointCoordinator) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#options.inTurn((coordinator, status) => {
        if (coordinator === undefined) {
          const wayOut = isTerminal(status) ? '' : ' and takes no snapshots yet; try again when it is RUNNING';
          const message = `job "${this.#options.jobName}" is ${status}${wayOut}`;
          reject(new MillraceError('JOB_ENDED', message, { retryable: true }));
        } else {
          run(coordinator).then(resolve, reject);
        }
      });
    });
  }
}
