import { present } from '../../../foundation/common/assert.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import type { SubtaskState } from '../../state/state-handle.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { AdoptedTask, DeployedTask } from './coordinator-event.ts';

/** The last state of a subtask that ended, which every later checkpoint lists again (R11). */
export interface CarriedState {
  /** The folder that relative paths of its handles start from. */
  readonly folder: string;
  readonly state: SubtaskState;
  /** Its attempt had reported its end: nothing of it is left to commit. */
  readonly isCommitted?: boolean;
}

interface RosterEntry {
  attempt: AttemptId | undefined;
  running: boolean;
  ended: boolean;
  /** Its attempt failed or was cancelled, the next one is not deployed. */
  lost: boolean;
  finished: CarriedState | undefined;
  /** Since then it has reported FINISHED. */
  committed: boolean;
}

/** Who takes part in checkpoints. */
export class TaskRoster {
  readonly #execution: ExecutionGraph;
  readonly #entries: readonly RosterEntry[];
  readonly #byAttempt = new Map<AttemptId, number>();

  constructor(execution: ExecutionGraph, finished: ReadonlyMap<number, CarriedState>) {
    this.#execution = execution;
    this.#entries = execution.subtasks.map(({ index }) => ({
      attempt: undefined,
      running: false,
      ended: false,
      lost: false,
      finished: finished.get(index),
      committed: finished.get(index)?.isCommitted === true,
    }));
  }

  deployed(task: DeployedTask): void {
    const entry = this.#entry(task.index);
    this.#forget(entry);
    entry.attempt = task.attempt;
    entry.lost = false;
    entry.committed = false;
    if (!task.commitOnly) {
      entry.finished = undefined;
    }
    this.#byAttempt.set(task.attempt, task.index);
  }

  /** Whose end the newest checkpoint covers keeps what it left. Returns the attempt unless it has ended. */
  adopted({ index, attempt, state, ended }: AdoptedTask): AttemptId | undefined {
    const entry = this.#entry(index);
    this.#forget(entry);
    entry.lost = false;
    if (state === 'finished') {
      entry.finished ??= { folder: '', state: {} };
      entry.committed = true;
      return undefined;
    }
    entry.attempt = attempt;
    entry.running = state === 'running';
    entry.ended = ended;
    this.#byAttempt.set(attempt, index);
    return attempt;
  }

  running(attempt: AttemptId): void {
    this.#with(attempt, (entry) => {
      entry.running = true;
    });
  }

  /** It has read all its input and waits for the checkpoint that covers its end. */
  ended(attempt: AttemptId): void {
    this.#with(attempt, (entry) => {
      entry.ended = true;
    });
  }

  hasEnded(index: number): boolean {
    return this.#entry(index).ended;
  }

  /** A completed checkpoint covers its end; the attempt may go on for its commits. */
  finished(index: number, carried: CarriedState): void {
    this.#entry(index).finished = carried;
  }

  /** It reported FINISHED: nobody to talk to any more. Without checkpoints it leaves no state. */
  left(attempt: AttemptId, folder: string): void {
    this.#with(attempt, (entry) => {
      entry.finished ??= { folder, state: {} };
      entry.committed = true;
      this.#forget(entry);
    });
  }

  failing(index: number): void {
    const entry = this.#entry(index);
    this.#forget(entry);
    entry.lost = true;
  }

  indexOf(attempt: AttemptId): number | undefined {
    return this.#byAttempt.get(attempt);
  }

  carried(index: number): CarriedState | undefined {
    return this.#entry(index).finished;
  }

  isFinished(index: number): boolean {
    return this.#entry(index).finished !== undefined;
  }

  /** It has finished, and nothing of it is left to commit. */
  hasCommitted(index: number): boolean {
    return this.isFinished(index) && this.#entry(index).committed;
  }

  /** Every attempt that may be told something. */
  get attempts(): readonly AttemptId[] {
    return [...this.#byAttempt.keys()];
  }

  /** Who has to acknowledge a checkpoint that is triggered now, by subtask index. */
  participants(): ReadonlyMap<number, AttemptId> {
    const participants = new Map<number, AttemptId>();
    this.#entries.forEach((entry, index) => {
      if (entry.finished === undefined) {
        participants.set(index, present(entry.attempt, `attempt of subtask ${index}`));
      }
    });
    return participants;
  }

  /** Of the participants those that no barrier reaches: sources, and tasks whose producers have all ended. */
  triggerTargets(): readonly AttemptId[] {
    const targets: AttemptId[] = [];
    for (const [index, attempt] of this.participants()) {
      if (!this.#execution.someProducer(index, (producer) => !this.isFinished(producer))) {
        targets.push(attempt);
      }
    }
    return targets;
  }

  /**
   * Every task that has not finished runs, and there is one. A region that restarts only to commit is waited for too, until
   * it is deployed: what it restores is the newest checkpoint until then.
   */
  get canTrigger(): boolean {
    return (
      !this.#entries.some(({ lost }) => lost) &&
      this.#unfinished.length > 0 &&
      this.#unfinished.every((entry) => entry.attempt !== undefined && entry.running)
    );
  }

  get allFinished(): boolean {
    return this.#unfinished.length === 0;
  }

  /** Every task that has not finished waits for the checkpoint that covers its end. */
  get allEnded(): boolean {
    return this.#unfinished.length > 0 && this.#unfinished.every((entry) => entry.ended);
  }

  /** Names of tasks that hold a trigger up, for messages. */
  get notRunning(): readonly number[] {
    return this.#entries.flatMap((entry, index) => (entry.finished === undefined && !entry.running ? [index] : []));
  }

  get #unfinished(): readonly RosterEntry[] {
    return this.#entries.filter(({ finished }) => finished === undefined);
  }

  #entry(index: number): RosterEntry {
    return present(this.#entries[index], `subtask ${index}`);
  }

  #with(attempt: AttemptId, change: (entry: RosterEntry) => void): void {
    const index = this.#byAttempt.get(attempt);
    if (index !== undefined) {
      change(this.#entry(index));
    }
  }

  #forget(entry: RosterEntry): void {
    if (entry.attempt !== undefined) {
      this.#byAttempt.delete(entry.attempt);
    }
    entry.attempt = undefined;
    entry.running = false;
    entry.ended = false;
  }
}
