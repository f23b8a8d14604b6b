import { assert } from '../../foundation/common/assert.ts';
import { errorInfo, type ErrorInfo } from '../../foundation/common/errors.ts';
import type { CheckpointId, JobId } from '../../foundation/common/ids.ts';
import type { CheckpointPointer, CompletedCheckpointStore, PointerWrite } from '../completed-checkpoint-store.ts';
import type { Leadership } from '../leadership.ts';
import { checkpointKey, checkpointsPrefix } from './record-keys.ts';
import { checkpointPointerSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore } from './record-store.ts';
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
    assert(pointer.jobId === this.#jobId, `a checkpoint of ${pointer.jobId} is none of ${this.#jobId}`);
    const key = checkpointKey(this.#jobId, pointer.checkpointId);
    const outcome = await this.#store.transact(this.#leadership, [
      { kind: 'put', key, value: JSON.stringify(pointer), expected: 'absent' },
    ]);
    switch (outcome.outcome) {
      case 'written':
        return WRITTEN;
      case 'leadership-lost':
        return { outcome: 'not-written', error: errorInfo(leadershipLost(this.#leadership, `write ${key}`)) };
      case 'conflict':
        // "Exists, with my write id" is success (R2).
        return this.#find(pointer);
      case 'undecided':
        return outcome;
    }
  }

  async settle(pointer: CheckpointPointer): Promise<PointerWrite> {
    try {
      await this.#store.settle();
    } catch (error) {
      return { outcome: 'undecided', error: errorInfo(error) };
    }
    return this.#find(pointer);
  }

  async remove(checkpointId: CheckpointId): Promise<void> {
    const key = checkpointKey(this.#jobId, checkpointId);
    requireWritten(
      await this.#store.transact(this.#leadership, [{ kind: 'delete', key }]),
      this.#leadership,
      `delete ${key}`,
    );
  }

  async #find(pointer: CheckpointPointer): Promise<PointerWrite> {
    try {
      const record = await this.#store.get(checkpointKey(this.#jobId, pointer.checkpointId));
      const found = record === undefined ? undefined : parseRecord(checkpointPointerSchema, record);
      return found?.writeId === pointer.writeId
        ? WRITTEN
        : { outcome: 'not-written', error: notThere(pointer, found !== undefined) };
    } catch (error) {
      return { outcome: 'undecided', error: errorInfo(error) };
    }
  }
}

const notThere = ({ checkpointId }: CheckpointPointer, isTaken: boolean): ErrorInfo => ({
  name: 'Error',
  message: isTaken
    ? `the HA store points to another checkpoint ${checkpointId}`
    : `the HA store does not point to checkpoint ${checkpointId}`,
});
