import { present } from '../../../foundation/common/assert.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';

/** What the store points to, ascending; the last one is where a recovery starts. */
export class RetainedCheckpoints {
  readonly #most: number;
  #list: readonly CompletedCheckpoint[];

  constructor(list: readonly CompletedCheckpoint[], most: number) {
    this.#list = list;
    this.#most = most;
  }

  get list(): readonly CompletedCheckpoint[] {
    return this.#list;
  }

  get newest(): CompletedCheckpoint | undefined {
    return this.#list.at(-1);
  }

  /** What the next trigger names as base (R6): the newest in the job's own folder. */
  get base(): CheckpointId | undefined {
    return this.#list.findLast(({ kind }) => kind === 'checkpoint')?.checkpointId;
  }

  /** Returns the oldest, which are too many now: until the new one was decided they might have been needed (R2, R6). */
  add(checkpoint: CompletedCheckpoint): readonly CompletedCheckpoint[] {
    this.#list = [...this.#list, checkpoint];
    const retired: CompletedCheckpoint[] = [];
    while (this.#list.length > this.#most) {
      retired.push(present(this.#list[0], 'oldest checkpoint'));
      this.#list = this.#list.slice(1);
    }
    return retired;
  }
}
