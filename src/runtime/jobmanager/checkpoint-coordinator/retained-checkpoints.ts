import { present } from '../../../foundation/common/assert.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import { strongerBan, type RestoreBan } from './restore-ban.ts';

/** What the store points to, ascending; the last one is where a recovery starts, unless that is banned. */
export class RetainedCheckpoints {
  readonly #most: number;
  #list: readonly CompletedCheckpoint[];
  #ban: RestoreBan | undefined;

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

  get ban(): RestoreBan | undefined {
    return this.#ban;
  }

  /** What the next trigger names as base (R6): the newest in the job's own folder; under a ban none, for a full one. */
  get base(): CheckpointId | undefined {
    return this.#ban === undefined ? this.#list.findLast(({ kind }) => kind === 'checkpoint')?.checkpointId : undefined;
  }

  /** `floor`: up to it checkpoints may have a base. */
  banRestores(ban: RestoreBan, floor: number): void {
    this.#ban = strongerBan(this.#ban, ban, floor);
  }

  /** Returns the oldest, which are too many now: until the new one was decided they might have been needed (R2, R6). */
  add(checkpoint: CompletedCheckpoint): readonly CompletedCheckpoint[] {
    if (this.#ban !== undefined && checkpoint.checkpointId > this.#ban.aboveId) {
      this.#ban = undefined;
    }
    this.#list = [...this.#list, checkpoint];
    const retired: CompletedCheckpoint[] = [];
    while (this.#list.length > this.#most) {
      retired.push(present(this.#list[0], 'oldest checkpoint'));
      this.#list = this.#list.slice(1);
    }
    return retired;
  }
}
