import { checkpointId, type CheckpointId } from '../../foundation/common/ids.ts';
import type { CheckpointIdCounter } from '../checkpoint-id-counter.ts';

/** In the memory of the one JobManager: gone with its process. */
export class InMemoryCheckpointIdCounter implements CheckpointIdCounter {
  #last = 0;

  current(): Promise<number> {
    return Promise.resolve(this.#last);
  }

  next(): Promise<CheckpointId> {
    return Promise.resolve(checkpointId(++this.#last));
  }

  raise(atLeast: number): Promise<void> {
    this.#last = Math.max(this.#last, atLeast);
    return Promise.resolve();
  }
}
