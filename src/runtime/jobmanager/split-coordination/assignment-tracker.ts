import type { Split } from '../../../pipeline/connectors/source.ts';
import type { AcceptedSplit } from '../../protocol/task-commands.ts';

/**
 * Remembers the splits that a reader got since the newest completed checkpoint: what a restore of that checkpoint takes
 * from it again. Splits that were read to their end are among them.
 */
export class AssignmentTracker {
  readonly #bySubtask = new Map<number, AcceptedSplit[]>();
  #triggered = 0;

  /** The enumerator's snapshot for this checkpoint is taken; splits assigned from now on come after its trigger. */
  triggered(checkpointId: number): void {
    this.#triggered = checkpointId;
  }

  assigned(subtask: number, splits: readonly Split[]): void {
    const list = this.#bySubtask.get(subtask) ?? [];
    // One by one: there is a limit for the arguments of a call, and none for the splits that a user's enumerator gives at once.
    for (const split of splits) {
      list.push({ split, afterCheckpoint: this.#triggered });
    }
    this.#bySubtask.set(subtask, list);
  }

  /** Another leader assigned these. */
  adopt(subtask: number, accepted: readonly AcceptedSplit[]): void {
    this.#bySubtask.set(subtask, [...accepted]);
  }

  assignedTo(subtask: number): readonly Split[] {
    return (this.#bySubtask.get(subtask) ?? []).map(({ split }) => split as Split);
  }

  /** What was assigned before the trigger of a completed checkpoint is in the readers' snapshots. */
  completed(checkpointId: number): void {
    for (const [subtask, list] of this.#bySubtask) {
      const left = list.filter(({ afterCheckpoint }) => afterCheckpoint >= checkpointId);
      if (left.length === 0) {
        this.#bySubtask.delete(subtask);
      } else {
        this.#bySubtask.set(subtask, left);
      }
    }
  }

  /** The reader starts anew from the newest completed checkpoint: what it got since then. */
  takeBack(subtask: number): readonly Split[] {
    const list = this.#bySubtask.get(subtask) ?? [];
    this.#bySubtask.delete(subtask);
    return list.map(({ split }) => split as Split);
  }
}
