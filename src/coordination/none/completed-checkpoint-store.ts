import { assert } from '../../foundation/common/assert.ts';
import type { CheckpointId } from '../../foundation/common/ids.ts';
import type { CheckpointPointer, CompletedCheckpointStore, PointerWrite } from '../completed-checkpoint-store.ts';

const WRITTEN: PointerWrite = { outcome: 'written' };

/** In the memory of the one JobManager: gone with its process. */
export class InMemoryCompletedCheckpointStore implements CompletedCheckpointStore {
  readonly #pointers = new Map<CheckpointId, CheckpointPointer>();

  all(): Promise<readonly CheckpointPointer[]> {
    return Promise.resolve([...this.#pointers.values()]);
  }

  add(pointer: CheckpointPointer): Promise<PointerWrite> {
    const newest = [...this.#pointers.keys()].at(-1) ?? 0;
    assert(pointer.checkpointId > newest, `checkpoint ${pointer.checkpointId} does not follow ${newest}`);
    this.#pointers.set(pointer.checkpointId, pointer);
    return Promise.resolve(WRITTEN);
  }

  settle(pointer: CheckpointPointer): Promise<PointerWrite> {
    return Promise.resolve(
      this.#pointers.get(pointer.checkpointId)?.writeId === pointer.writeId
        ? WRITTEN
        : { outcome: 'not-written', error: { name: 'Error', message: 'the pointer is not there' } },
    );
  }

  remove(checkpointId: CheckpointId): Promise<void> {
    this.#pointers.delete(checkpointId);
    return Promise.resolve();
  }
}
