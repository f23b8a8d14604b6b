import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { SlotProvider, SlotRef } from '../scheduler/slot-table.ts';
import { describeWaiting } from './describe-waiting.ts';
import type { SlotPool } from './slot-pool.ts';

interface Waiting {
  readonly jobId: JobId;
  readonly resolve: (slots: readonly SlotRef[]) => void;
  readonly reject: (error: MillraceError) => void;
}

/** Of a job, for TaskManagers that are away. */
interface Unsettled {
  readonly jobId: JobId;
  readonly taskManagers: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: MillraceError) => void;
}

/** Hands the pool's slots to the JobMasters that asked for them, and says who waits for how many. */
export class JobSlots {
  readonly #pool: SlotPool;
  readonly #logger: Logger;
  /** By request id. */
  readonly #waiting = new Map<number, Waiting>();
  #unsettled: readonly Unsettled[] = [];
  /** What was said last of each job that waits. */
  #said: ReadonlyMap<JobId, string> = new Map();

  constructor(pool: SlotPool, logger: Logger) {
    this.#pool = pool;
    this.#logger = logger;
  }

  of(jobId: JobId): SlotProvider {
    return {
      request: (count, preferred) =>
        new Promise((resolve, reject) => {
          this.#waiting.set(this.#pool.request(jobId, count, preferred), { jobId, resolve, reject });
          this.serve();
        }),
      settled: (taskManagers) =>
        new Promise((resolve, reject) => {
          this.#unsettled = [...this.#unsettled, { jobId, taskManagers, resolve, reject }];
          this.#settle();
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
    this.changed();
  }

  /** A TaskManager has come or gone. Says of each job that waits for slots how many are missing, where that has changed. */
  changed(): void {
    this.#settle();
    const { waiting } = this.#pool.overview;
    const texts = new Map(waiting.map((job) => [job.jobId, describeWaiting(job)]));
    for (const [jobId, text] of texts) {
      if (this.#said.get(jobId) !== text) {
        this.#logger.warn(`Job ${jobId} waits: ${text}`);
      }
    }
    for (const jobId of this.#said.keys()) {
      if (!texts.has(jobId)) {
        this.#logger.info(`Job ${jobId} does not wait for slots any more`);
      }
    }
    this.#said = texts;
  }

  stop(): void {
    this.#rejectAll(() => true);
  }

  #rejectAll(which: (waiting: Pick<Waiting, 'jobId'>) => boolean): void {
    for (const [id, waiting] of this.#waiting) {
      if (which(waiting)) {
        this.#waiting.delete(id);
        waiting.reject(notWaited());
      }
    }
    this.#unsettled.filter(which).forEach(({ reject }) => reject(notWaited()));
    this.#unsettled = this.#unsettled.filter((unsettled) => !which(unsettled));
  }

  #settle(): void {
    const isSettled = ({ taskManagers }: Unsettled): boolean => !taskManagers.some((id) => this.#pool.isAway(id));
    this.#unsettled.filter(isSettled).forEach(({ resolve }) => resolve());
    this.#unsettled = this.#unsettled.filter((unsettled) => !isSettled(unsettled));
  }
}

const notWaited = (): MillraceError =>
  new MillraceError('JOB_ENDED', 'nobody waits for these slots any more', { retryable: true });
