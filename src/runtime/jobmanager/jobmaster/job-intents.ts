import type { JobIntent, JobRecordStore } from '../../../coordination/job-record-store.ts';
import { errorInfo, messageOf, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import type { SnapshotRequests } from './snapshot-requests.ts';

export interface JobIntentsOptions {
  readonly records: Pick<JobRecordStore, 'recordIntent' | 'settleIntent'>;
  readonly snapshots: SnapshotRequests;
  readonly random: Random;
  readonly logger: Logger;
  /** What follows is not about a stop any more: see the coordinator's `stop-given-up`. */
  readonly stopGivenUp: () => void;
  readonly cancel: () => void;
  readonly failJob: (error: ErrorInfo) => void;
  /** The job has ended, or another leader has it: nobody cares about its record. */
  readonly isOver: () => boolean;
}

/** A stop, as whoever asks for it follows it. */
export interface StopRequest {
  readonly requestId: string;
  /** It is in the record: whoever leads tries it. */
  readonly accepted: () => void;
}

/** What somebody wants to become of a job: in its record before it is carried out, so that a new leader goes on (R7). */
export class JobIntents {
  readonly #options: JobIntentsOptions;

  constructor(options: JobIntentsOptions) {
    this.#options = options;
  }

  /** Resolves when it will happen, whatever becomes of this leader. */
  async cancel(): Promise<void> {
    const { records, random } = this.#options;
    await records.recordIntent({ kind: 'cancel', requestId: random.hex(32) });
    this.#options.cancel();
  }

  /** See `JobMaster.stop`. */
  async stop(savepointDirectory: string, drain: boolean, request?: StopRequest): Promise<CompletedCheckpoint> {
    const { records, snapshots, random } = this.#options;
    // What cannot even begin must not take the place of what a leader before this one began.
    await snapshots.available();
    const requestId = request?.requestId ?? random.hex(32);
    try {
      await records.recordIntent({ kind: 'stop', requestId, savepointDirectory, drain });
      request?.accepted();
      return await snapshots.stop(savepointDirectory, drain);
    } catch (error) {
      await this.#forget(requestId);
      throw error;
    }
  }

  /** What a leader before this one had accepted, and did not see to its end. */
  goOn(intent: JobIntent): void {
    if (intent.kind === 'cancel') {
      this.#options.cancel();
    } else if (intent.kind === 'stop') {
      void this.#stopAgain(intent);
    }
  }

  async #stopAgain({ requestId, savepointDirectory, drain }: Extract<JobIntent, { kind: 'stop' }>): Promise<void> {
    const { snapshots, stopGivenUp, failJob, isOver, logger } = this.#options;
    try {
      await snapshots.stop(savepointDirectory, drain);
    } catch (error) {
      if (isOver()) {
        return;
      }
      logger.warn(`The job was to be stopped, and could not be: ${messageOf(error)}`, { error });
      if (drain) {
        // Its sources may have ended their input for the leader before: they read on only from the newest checkpoint.
        failJob(errorInfo(error));
      }
      stopGivenUp();
      await this.#forget(requestId);
    }
  }

  /** Where something else was asked for meanwhile, that stays. */
  async #forget(requestId: string): Promise<void> {
    const { records, isOver, logger } = this.#options;
    if (isOver()) {
      return;
    }
    try {
      await records.settleIntent(requestId);
    } catch (error) {
      logger.warn(`The stop that failed is tried again by the next leader: ${messageOf(error)}`, { error });
    }
  }
}
