import { assert } from '../../foundation/common/assert.ts';
import { errorInfo, type ErrorInfo } from '../../foundation/common/errors.ts';
import type { CheckpointId, JobId } from '../../foundation/common/ids.ts';
import type { CheckpointPointer, CompletedCheckpointStore, PointerWrite } from '../completed-checkpoint-store.ts';
import type { Leadership } from '../leadership.ts';
import { checkpointKey, checkpointsPrefix } from './record-keys.ts';
import { checkpointPointerSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore, TransactionOutcome } from './record-store.ts';
import { leadershipLost, requireWritten } from './store-errors.ts';

const WRITTEN: PointerWrite = { outcome: 'written' };

export class RecordCompletedCheckpointStore implements CompletedCheckpointStore {
  readonly #store: RecordStore;
  readonly #leadership: Leadership;
  readonly #jobId: JobId;

  constructor(store: RecordStore, leadership: Leadership, jobId: JobId) {
    this.#store = store;
    this.#leadership = leadership;
    this.#jobId = jobId;
  }

  async all(): Promise<readonly CheckpointPointer[]> {
    const records = await this.#store.list(checkpointsPrefix(this.#jobId));
    return records.map((record) => parseRecord(checkpointPointerSchema, record));
  }

  async add(pointer: CheckpointPointer): Promise<PointerWrite> {
    const outcome = await this.#put(pointer);
    return outcome.outcome === 'leadership-lost'
      ? { outcome: 'not-written', error: this.#leadershipLost(pointer) }
      : this.#write(pointer, outcome);
  }

  async settle(pointer: CheckpointPointer): Promise<PointerWrite> {
    try {
      await this.#store.settle();
    } catch (error) {
      return { outcome: 'undecided', error: errorInfo(error) };
    }
    // Where it was not written, it is now: that the store was away for a moment costs no checkpoint (R5).
    const outcome = await this.#put(pointer);
    return outcome.outcome === 'leadership-lost'
      ? // Proves nothing about the write before: who leads now may have found it, and goes on from there (R2).
        { outcome: 'undecided', error: this.#leadershipLost(pointer) }
      : this.#write(pointer, outcome);
  }

  async remove(checkpointId: CheckpointId): Promise<void> {
    const key = checkpointKey(this.#jobId, checkpointId);
    requireWritten(
      await this.#store.transact(this.#leadership, [{ kind: 'delete', key }]),
      this.#leadership,
      `delete ${key}`,
    );
  }

  #put(pointer: CheckpointPointer): Promise<TransactionOutcome> {
    assert(pointer.jobId === this.#jobId, `a checkpoint of ${pointer.jobId} is none of ${this.#jobId}`);
    const key = checkpointKey(this.#jobId, pointer.checkpointId);
    return this.#store.transact(this.#leadership, [
      { kind: 'put', key, value: JSON.stringify(pointer), expected: 'absent' },
    ]);
  }

  async #write(
    pointer: CheckpointPointer,
    outcome: Exclude<TransactionOutcome, { readonly outcome: 'leadership-lost' }>,
  ): Promise<PointerWrite> {
    switch (outcome.outcome) {
      case 'written':
        return WRITTEN;
      case 'conflict':
        return this.#find(pointer);
      case 'undecided':
        return outcome;
    }
  }

  /** Something was there. "Exists, with my write id" is success (R2); what is gone since then, another leader has removed. */
  async #find(pointer: CheckpointPointer): Promise<PointerWrite> {
    try {
      const record = await this.#store.get(checkpointKey(this.#jobId, pointer.checkpointId));
      if (record === undefined) {
        return { outcome: 'undecided', error: this.#leadershipLost(pointer) };
      }
      return parseRecord(checkpointPointerSchema, record).writeId === pointer.writeId
        ? WRITTEN
        : { outcome: 'not-written', error: takenBy(pointer) };
    } catch (error) {
      return { outcome: 'undecided', error: errorInfo(error) };
    }
  }

  #leadershipLost({ checkpointId }: CheckpointPointer): ErrorInfo {
    return errorInfo(leadershipLost(this.#leadership, `write ${checkpointKey(this.#jobId, checkpointId)}`));
  }
}

const takenBy = ({ checkpointId }: CheckpointPointer): ErrorInfo => ({
  name: 'Error',
  message: `the HA store points to another checkpoint ${checkpointId}`,
});
