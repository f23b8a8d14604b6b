import type { OperatorId } from '../../../foundation/common/ids.ts';
import type {
  EnumeratorDecision,
  EnumeratorFactory,
  Split,
  SplitEnumerator,
} from '../../../pipeline/connectors/source.ts';
import type { TaskCommand } from '../../protocol/task-commands.ts';
import { AssignmentTracker } from './assignment-tracker.ts';

/** What a checkpoint keeps of one source, plain data. */
export interface EnumeratorSnapshot {
  /** Whether discovery was complete. */
  readonly discovered: boolean;
  readonly state: unknown;
  /** Splits that the enumerator gave to readers which were not there. */
  readonly undelivered: readonly Split[];
}

/** A command for the reader in one subtask. */
export interface ReaderCommand {
  readonly subtask: number;
  readonly command: TaskCommand;
}

export interface SourceCoordinatorOptions {
  readonly operatorId: OperatorId;
  readonly factory: EnumeratorFactory;
  readonly config: unknown;
  readonly parallelism: number;
}

/**
 * The JobManager's side of one source (R4): runs its enumerator, knows which readers are there, and what has to come back
 * when one of them starts anew. A decision core: commands come out, discovery is the shell's.
 */
export class SourceCoordinator {
  readonly #options: SourceCoordinatorOptions;
  readonly #tracker = new AssignmentTracker();
  readonly #registered = new Set<number>();
  /** What waits for its reader, in order. */
  readonly #undelivered = new Map<number, Split[]>();
  readonly #finished = new Set<number>();
  #enumerator: SplitEnumerator;
  #discovered: boolean;

  /** `snapshot`: that of the restored checkpoint. */
  constructor(options: SourceCoordinatorOptions, snapshot: unknown) {
    this.#options = options;
    [this.#enumerator, this.#discovered] = this.#create(snapshot);
  }

  /** The I/O that finds splits, when there is something to find; its result goes to `discovered` of the same enumerator. */
  get discovery(): { readonly enumerator: SplitEnumerator; run(): Promise<readonly Split[]> } | undefined {
    const enumerator = this.#enumerator;
    const isOver = this.#discovered && enumerator.discoverEveryMs === undefined;
    return isOver || enumerator.discover === undefined
      ? undefined
      : { enumerator, run: async () => (await enumerator.discover?.()) ?? [] };
  }

  /** Ignored when the enumerator was replaced meanwhile. */
  discovered(enumerator: SplitEnumerator, splits: readonly Split[]): ReaderCommand[] {
    if (enumerator !== this.#enumerator) {
      return [];
    }
    this.#discovered = true;
    return this.#carryOut(enumerator.discovered(splits));
  }

  readerRegistered(subtask: number, held: readonly Split[]): ReaderCommand[] {
    this.#registered.add(subtask);
    const hadEnded = this.#finished.has(subtask);
    const waiting = this.#undelivered.get(subtask) ?? [];
    this.#undelivered.delete(subtask);
    const decision = this.#enumerator.readerRegistered(subtask, held);
    const first = waiting.length === 0 ? [] : this.#carryOut({ assign: [{ subtask, splits: waiting }] });
    const repeated = hadEnded ? this.#carryOut({ noMoreSplits: [subtask] }) : [];
    return [...first, ...this.#carryOut(decision), ...repeated];
  }

  splitRequested(subtask: number): ReaderCommand[] {
    return this.#carryOut(this.#enumerator.splitRequested(subtask));
  }

  /** Taken in the same step as the trigger of this checkpoint. */
  snapshot(checkpointId: number): EnumeratorSnapshot {
    this.#tracker.triggered(checkpointId);
    return {
      discovered: this.#discovered,
      state: this.#enumerator.snapshot(),
      undelivered: [...this.#undelivered.values()].flat(),
    };
  }

  completed(checkpointId: number): void {
    this.#tracker.completed(checkpointId);
  }

  /** Readers that are gone: what is assigned to them waits for the next ones. */
  readersFailed(subtasks: readonly number[]): void {
    for (const subtask of subtasks) {
      this.#registered.delete(subtask);
      this.#finished.delete(subtask);
    }
  }

  /**
   * Readers start anew from the newest completed checkpoint. If all of them do, so does the enumerator, from `snapshot`;
   * else what they got since that checkpoint goes back to the enumerator.
   */
  readersRestarted(subtasks: readonly number[], snapshot: unknown): ReaderCommand[] {
    this.readersFailed(subtasks);
    if (subtasks.length === this.#options.parallelism) {
      for (let subtask = 0; subtask < this.#options.parallelism; subtask++) {
        this.#tracker.takeBack(subtask);
      }
      this.#undelivered.clear();
      [this.#enumerator, this.#discovered] = this.#create(snapshot);
      return [];
    }
    const returned = subtasks.flatMap((subtask) => this.#tracker.takeBack(subtask));
    return returned.length === 0 ? [] : this.#carryOut(this.#enumerator.splitsReturned(returned));
  }

  #create(snapshot: unknown): [SplitEnumerator, boolean] {
    const { factory, config, parallelism } = this.#options;
    if (snapshot === undefined) {
      return [factory.create(config, parallelism, undefined), false];
    }
    const { discovered, state, undelivered } = snapshot as EnumeratorSnapshot;
    const enumerator = factory.create(config, parallelism, state);
    if (undelivered.length > 0) {
      // No reader is there yet, so that whatever it decides can only wait.
      this.#carryOut(enumerator.splitsReturned(undelivered));
    }
    return [enumerator, discovered];
  }

  #carryOut(decision: EnumeratorDecision): ReaderCommand[] {
    const { operatorId } = this.#options;
    const commands: ReaderCommand[] = [];
    for (const { subtask, splits } of decision.assign ?? []) {
      if (splits.length === 0) {
        continue;
      }
      if (this.#registered.has(subtask)) {
        this.#tracker.assigned(subtask, splits);
        commands.push({ subtask, command: { kind: 'splits', operatorId, splits } });
      } else {
        this.#undelivered.set(subtask, [...(this.#undelivered.get(subtask) ?? []), ...splits]);
      }
    }
    for (const subtask of decision.noMoreSplits ?? []) {
      this.#finished.add(subtask);
      if (this.#registered.has(subtask)) {
        commands.push({ subtask, command: { kind: 'no-more-splits', operatorId } });
      }
    }
    return commands;
  }
}
