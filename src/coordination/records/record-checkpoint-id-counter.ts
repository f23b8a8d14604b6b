import { MillraceError } from '../../foundation/common/errors.ts';
import { checkpointId, type CheckpointId, type JobId } from '../../foundation/common/ids.ts';
import type { CheckpointIdCounter } from '../checkpoint-id-counter.ts';
import type { Leadership } from '../leadership.ts';
import { OneAfterTheOther } from './one-after-the-other.ts';
import { counterKey, resultKey } from './record-keys.ts';
import { counterSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore } from './record-store.ts';
import { requireWritten } from './store-errors.ts';

export class RecordCheckpointIdCounter implements CheckpointIdCounter {
  readonly #store: RecordStore;
  readonly #leadership: Leadership;
  readonly #jobId: JobId;
  readonly #order = new OneAfterTheOther();
  /** The highest that this leadership may have given out: after an unclear outcome it is above what is in the store. */
  #last: number | undefined;

  constructor(store: RecordStore, leadership: Leadership, jobId: JobId) {
    this.#store = store;
    this.#leadership = leadership;
    this.#jobId = jobId;
  }

  current(): Promise<number> {
    return this.#order.run(async () => Math.max(await readCounter(this.#store, this.#jobId), this.#last ?? 0));
  }

  next(): Promise<CheckpointId> {
    return this.#order.run(async () => {
      const next = (await this.#known()) + 1;
      await this.#write(next);
      return checkpointId(next);
    });
  }

  raise(atLeast: number): Promise<void> {
    return this.#order.run(async () => {
      if (atLeast > (await this.#known())) {
        await this.#write(atLeast);
      }
    });
  }

  async #known(): Promise<number> {
    return (this.#last ??= await readCounter(this.#store, this.#jobId));
  }

  async #write(last: number): Promise<void> {
    this.#last = last;
    const outcome = await this.#store.transact(this.#leadership, [
      { kind: 'require', key: resultKey(this.#jobId), expected: 'absent' },
      { kind: 'put', key: counterKey(this.#jobId), value: JSON.stringify({ last }) },
    ]);
    if (outcome.outcome === 'conflict') {
      throw new MillraceError('JOB_ENDED', `job ${this.#jobId} has ended: it takes no checkpoint any more`);
    }
    requireWritten(outcome, this.#leadership, `count checkpoint ids of job ${this.#jobId}`);
  }
}

/** The highest id in the store, 0 before the first. */
export const readCounter = async (store: RecordStore, jobId: JobId): Promise<number> => {
  const record = await store.get(counterKey(jobId));
  return record === undefined ? 0 : parseRecord(counterSchema, record).last;
};
