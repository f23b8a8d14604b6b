import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { SlotProvider, SlotRef } from '../scheduler/slot-table.ts';
import type { SlotPool } from './slot-pool.ts';

interface Waiting {
  readonly jobId: JobId;
  readonly resolve: (slots: readonly SlotRef[]) => void;
  readonly reject: (error: MillraceError) => void;
}

/** Hands the pool's slots to the JobMasters that asked for them. */
export class JobSlots {
  readonly #pool: SlotPool;
  /** By request id. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(pool: SlotPool) {
    this.#pool = pool;
  }

  of(jobId: JobId): SlotProvider {
    return {
      request: (count) =>
        new Promise((resolve, reject) => {
          this.#waiting.set(this.#pool.request(jobId, count), { jobId, resolve, reject });
          this.serve();
        }),
      // Its slots are free when the job has ended (R9), not when its JobMaster has: that may be suspended while the tasks run.
      close: () => {
        this.#pool.withdraw(jobId);
        this.#rejectAll((waiting) => waiting.jobId === jobId);
        this.serve();
      },
    };
  }

  serve(): void {
    for (const { requestId, slots } of this.#pool.serve()) {
      this.#waiting.get(requestId)?.resolve(slots);
      this.#waiting.delete(requestId);
    }
  }

  stop(): void {
    this.#rejectAll(() => true);
  }

  #rejectAll(which: (waiting: Waiting) => boolean): void {
    for (const [id, waiting] of this.#waiting) {
      if (which(waiting)) {
        this.#waiting.delete(id);
        waiting.reject(new MillraceError('JOB_ENDED', 'nobody waits for these slots any more', { retryable: true }));
      }
    }
  }
}
