import { present } from '../../../foundation/common/assert.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import { strongerBan, type RestoreBan } from './restore-ban.ts';

/** What the store points to, ascending; the last one is where a recovery starts, unless that is banned. */
export class RetainedCheckpoints {
  readonly #most: number;
  #list: readonly CompletedCheckpoint[];
  #ban: RestoreBan | undefined;
  /** The store points to these too, and they are of no use. */
  #broken: readonly CheckpointId[];

  constructor(list: readonly CompletedCheckpoint[], broken: readonly CheckpointId[], most: number) {
    this.#list = list;
    this.#broken = broken;
    this.#most = most;
  }

  get list(): readonly CompletedCheckpoint[] {
    return this.#list;
  }

  /** Those of no use too. */
  get ids(): readonly CheckpointId[] {
    return [...this.#broken, ...this.#list.map(({ checkpointId }) => checkpointId)];
  }

  /** The newest that is complete (I4), be it of use or not. */
  get newestId(): CheckpointId | undefined {
    const [newest, broken] = [this.#list.at(-1)?.checkpointId, this.#broken.at(-1)];
    return newest === undefined || (broken !== undefined && broken > newest) ? broken : newest;
  }

  get ban(): RestoreBan | undefined {
    return this.#ban;
  }

  /** What the next trigger names as base (R6): the newest in the job's own folder; under a ban none, for a full one. */
  get base(): CheckpointId | undefined {
    return this.#ban === undefined ? this.#list.findLast(({ kind }) => kind === 'checkpoint')?.checkpointId : undefined;
  }

  /** `floor`: up to it checkpoints may have a base. `broken`: the one of those retained that turned out to be of no use. */
  banRestores(ban: RestoreBan, floor: number, broken?: CheckpointId): void {
    this.#ban = strongerBan(this.#ban, ban, floor);
    if (broken !== undefined) {
      this.#list = this.#list.filter(({ checkpointId }) => checkpointId !== broken);
      this.#broken = [...this.#broken, broken];
    }
  }

  /** From now on this is the newest; those after it are of no use to anybody. */
  fallBack(to: CheckpointId): void {
    this.#list = this.#list.filter(({ checkpointId }) => checkpointId <= to);
    this.#broken = this.#broken.filter((id) => id < to);
    this.#ban = undefined;
  }

  /** A later one is complete: nobody will mend those. */
  takeBroken(): readonly CheckpointId[] {
    const broken = this.#broken;
    this.#broken = [];
    return broken;
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
