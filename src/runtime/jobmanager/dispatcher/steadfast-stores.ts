import type { CheckpointIdCounter } from '../../../coordination/checkpoint-id-counter.ts';
import type { CompletedCheckpointStore, PointerWrite } from '../../../coordination/completed-checkpoint-store.ts';
import type { LeaderStores } from '../../../coordination/high-availability-services.ts';
import type { JobRecordStore } from '../../../coordination/job-record-store.ts';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { isAway } from './is-away.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export interface SteadfastStoresOptions {
  readonly stores: LeaderStores;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A change was refused because another leads: called before whoever made the change hears of it (I1). */
  readonly leadershipLost: () => void;
}

/**
 * The stores of one leadership for everybody who works under it. What is away is asked again without end (R5), for every call may
 * be repeated; the end of the leadership ends that too.
 */
export class SteadfastStores {
  readonly #options: SteadfastStoresOptions;
  readonly #pauses = new Map<TimerHandle, () => void>();
  #isStopped = false;

  constructor(options: SteadfastStoresOptions) {
    this.#options = options;
  }

  get raw(): LeaderStores {
    return this.#options.stores;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Nothing is repeated any more. */
  stop(): void {
    this.#isStopped = true;
    for (const [timer, over] of this.#pauses) {
      timer.cancel();
      over();
    }
    this.#pauses.clear();
  }

  /** `what`, for the log: `read the jobs`. Rejects with what does not pass by itself, and when the leadership has ended. */
  async run<T>(what: string, call: () => Promise<T>): Promise<T> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
      this.#requireLeading(what);
      try {
        const result = await call();
        this.#requireLeading(what);
        return result;
      } catch (thrown) {
        this.noteLoss(thrown);
        if (this.#isStopped || !isAway(thrown)) {
          throw thrown;
        }
        this.#options.logger.warn(`Cannot ${what}: ${messageOf(thrown)}; trying again in ${pauseMs} ms`);
      }
      await this.pause(pauseMs);
    }
  }

  /** Ends early with the leadership. */
  pause(pauseMs: number): Promise<void> {
    if (this.#isStopped) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(pauseMs, () => {
        this.#pauses.delete(timer);
        resolve();
      });
      this.#pauses.set(timer, resolve);
    });
  }

  noteLoss(thrown: unknown): void {
    if (codeOf(thrown) === 'LEADERSHIP_LOST' && !this.#isStopped) {
      this.#options.leadershipLost();
    }
  }

  record(jobId: JobId): JobRecordStore {
    const store = this.#options.stores.jobRecord(jobId);
    const of = `the record of job ${jobId}`;
    return {
      read: () => this.run(`read ${of}`, () => store.read()),
      recordGeneration: (record, counts) =>
        this.run(`write a generation to ${of}`, () => store.recordGeneration(record, counts)),
      recordIntent: (intent) => this.run(`write an intent to ${of}`, () => store.recordIntent(intent)),
      settleIntent: (requestId) => this.run(`settle an intent in ${of}`, () => store.settleIntent(requestId)),
      recordGraphVersion: (version) =>
        this.run(`write the graph version to ${of}`, () => store.recordGraphVersion(version)),
      markLoading: () => this.run(`mark ${of} as loading`, () => store.markLoading()),
      clearLoading: () => this.run(`mark ${of} as loaded`, () => store.clearLoading()),
    };
  }

  checkpoints(jobId: JobId): CompletedCheckpointStore {
    const store = this.#options.stores.checkpoints(jobId);
    const noted = async (write: Promise<PointerWrite>): Promise<PointerWrite> => {
      const written = await write;
      if (written.outcome !== 'written') {
        this.noteLoss(written.error);
      }
      return written;
    };
    return {
      all: () => this.run(`read the checkpoints of job ${jobId}`, () => store.all()),
      add: (pointer) => noted(store.add(pointer)),
      settle: (pointer) => noted(store.settle(pointer)),
      remove: (id) => this.run(`remove the pointer to checkpoint ${id} of job ${jobId}`, () => store.remove(id)),
    };
  }

  checkpointIds(jobId: JobId): CheckpointIdCounter {
    const counter = this.#options.stores.checkpointIds(jobId);
    const of = `the checkpoint ids of job ${jobId}`;
    return {
      current: () => this.run(`read ${of}`, () => counter.current()),
      // An id whose outcome is not known is lost: counting again would be as good, but the coordinator decides that.
      next: async () => {
        try {
          return await counter.next();
        } catch (thrown) {
          this.noteLoss(thrown);
          throw thrown;
        }
      },
      raise: (atLeast) => this.run(`raise ${of}`, () => counter.raise(atLeast)),
    };
  }

  #requireLeading(what: string): void {
    if (this.#isStopped) {
      throw new MillraceError('NOT_LEADER', `this JobManager leads no longer; it did not ${what}`, { retryable: true });
    }
  }
}
