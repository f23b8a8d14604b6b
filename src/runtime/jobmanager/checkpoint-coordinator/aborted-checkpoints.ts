import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { SubtaskState } from '../../state/state-handle.ts';
import type { Acknowledgement, CoordinatorAction } from './coordinator-event.ts';

/** Where the files of an aborted checkpoint lie. */
export interface AbortedPlace {
  readonly checkpointId: CheckpointId;
  readonly folder: string;
  readonly savepoint: boolean;
}

/** Files of acknowledgements that come later still than this many further aborts wait for the collection of orphans. */
const REMEMBERED = 1_000;

/** Remembers aborted checkpoints, so that what is acknowledged too late can be deleted. */
export class AbortedCheckpoints {
  readonly #places = new Map<CheckpointId, AbortedPlace>();
  readonly #writing = new Map<
    CheckpointId,
    { readonly place: AbortedPlace; readonly states: readonly SubtaskState[] }
  >();

  /** `writing`: its metadata is being written; the states go once that is over, never before the metadata that names them. */
  add(place: AbortedPlace, writing: readonly SubtaskState[] | undefined): void {
    this.#places.set(place.checkpointId, place);
    if (writing !== undefined) {
      this.#writing.set(place.checkpointId, { place, states: writing });
    }
    if (this.#places.size > REMEMBERED) {
      const [oldest] = this.#places.keys();
      this.#places.delete(oldest ?? place.checkpointId);
    }
  }

  /** Too late: what it names is deleted. Of a completed checkpoint it is a repeat, and the files are in use. */
  acknowledged({ checkpointId: id, state }: Acknowledgement): readonly CoordinatorAction[] {
    const place = this.#writing.has(id) ? undefined : this.#places.get(id);
    return place === undefined ? [] : [{ kind: 'discard', ...place, states: [state] }];
  }

  get hasUnfinishedWrites(): boolean {
    return this.#writing.size > 0;
  }

  /** A metadata write that outlived its checkpoint is over: now the metadata goes, then the files it names. */
  writeEnded(id: CheckpointId): readonly CoordinatorAction[] {
    const abandoned = this.#writing.get(id);
    this.#writing.delete(id);
    return abandoned === undefined ? [] : [{ kind: 'discard', ...abandoned.place, states: abandoned.states }];
  }
}
