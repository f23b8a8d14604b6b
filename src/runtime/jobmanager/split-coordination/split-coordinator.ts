import { present } from '../../../foundation/common/assert.ts';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { EnumeratorFactory, Split, SplitEnumerator } from '../../../pipeline/connectors/source.ts';
import type { TaskCommand } from '../../protocol/task-commands.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import { SourceCoordinator, type ReaderCommand } from './source-coordinator.ts';

export interface SplitCoordinatorOptions {
  readonly execution: ExecutionGraph;
  readonly factories: readonly EnumeratorFactory[];
  readonly clock: Clock;
  /** To the current attempt of a subtask, by its index, on the same ordered stream as triggers. */
  readonly command: (index: number, command: TaskCommand) => void;
  /** User code of an enumerator failed: a failure of the job (R13). */
  readonly fail: (error: MillraceError) => void;
}

interface Source {
  readonly name: string;
  readonly coordinator: SourceCoordinator;
  readonly firstIndex: number;
  readonly parallelism: number;
  timer: TimerHandle | undefined;
  /** Whose discovery is under way or was done last. */
  discovering: SplitEnumerator | undefined;
}

/** Runs the enumerators of a job. */
export class SplitCoordinator {
  readonly #options: SplitCoordinatorOptions;
  readonly #sources = new Map<OperatorId, Source>();
  #closed = false;

  /** Throws BAD_JOB when a source names an enumerator that is not registered. */
  constructor(options: SplitCoordinatorOptions, plan: RestorePlan | undefined) {
    this.#options = options;
    const factories = new Map(options.factories.map((factory) => [factory.kind, factory]));
    for (const { id: vertex, parallelism, operators } of options.execution.graph.vertices) {
      for (const { id, name, source } of operators) {
        if (source === undefined) {
          continue;
        }
        const factory = factories.get(source.enumerator);
        if (factory === undefined) {
          throw new MillraceError(
            'BAD_JOB',
            `source "${name}" wants the enumerator "${source.enumerator}"; known: ${[...factories.keys()].join(', ')}`,
          );
        }
        const coordinatorOptions = { operatorId: id, factory, config: source.config, parallelism };
        this.#sources.set(id, {
          name,
          coordinator: new SourceCoordinator(coordinatorOptions, plan?.enumeratorState(id)),
          firstIndex: options.execution.indexOf(vertex, 0),
          parallelism,
          timer: undefined,
          discovering: undefined,
        });
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const source of this.#sources.values()) {
      source.timer?.cancel();
    }
  }

  readerRegistered(index: number, operatorId: OperatorId, held: readonly unknown[]): void {
    const source = this.#source(operatorId);
    this.#guarded(source, () =>
      source.coordinator.readerRegistered(index - source.firstIndex, held as readonly Split[]),
    );
  }

  splitRequested(index: number, operatorId: OperatorId): void {
    const source = this.#source(operatorId);
    this.#guarded(source, () => source.coordinator.splitRequested(index - source.firstIndex));
  }

  /** By operator; plain data. Throws when an enumerator does, and fails the job. */
  snapshot(checkpointId: number): ReadonlyMap<OperatorId, unknown> {
    const snapshots = new Map<OperatorId, unknown>();
    for (const [operatorId, source] of this.#sources) {
      try {
        snapshots.set(operatorId, source.coordinator.snapshot(checkpointId));
      } catch (error) {
        this.#failed(source, error);
        throw error;
      }
    }
    return snapshots;
  }

  completed(checkpointId: number): void {
    for (const { coordinator } of this.#sources.values()) {
      coordinator.completed(checkpointId);
    }
  }

  /** By subtask index: their readers are gone. */
  readersFailed(indices: readonly number[]): void {
    for (const source of this.#sources.values()) {
      source.coordinator.readersFailed(subtasksOf(source, indices));
    }
  }

  /** By subtask index: they start, or start anew, from what `plan` restores. The first start begins discovery. */
  readersRestarted(indices: readonly number[], plan: RestorePlan | undefined): void {
    for (const [operatorId, source] of this.#sources) {
      const subtasks = subtasksOf(source, indices);
      if (subtasks.length > 0) {
        this.#guarded(source, () => source.coordinator.readersRestarted(subtasks, plan?.enumeratorState(operatorId)));
        this.#discover(source);
      }
    }
  }

  /** Once for each enumerator, and again where it wants that. */
  #discover(source: Source): void {
    const { discovery } = source.coordinator;
    if (this.#closed || discovery === undefined || discovery.enumerator === source.discovering) {
      return;
    }
    const { enumerator } = discovery;
    source.discovering = enumerator;
    source.timer?.cancel();
    discovery.run().then(
      (splits) => this.#discovered(source, enumerator, splits),
      (error: unknown) => {
        if (source.discovering === enumerator) {
          this.#failed(source, error);
        }
      },
    );
  }

  #discovered(source: Source, enumerator: SplitEnumerator, splits: readonly Split[]): void {
    if (this.#closed || source.discovering !== enumerator) {
      return;
    }
    this.#guarded(source, () => source.coordinator.discovered(enumerator, splits));
    if (enumerator.discoverEveryMs !== undefined) {
      source.timer = this.#options.clock.after(enumerator.discoverEveryMs, () => {
        source.discovering = undefined;
        this.#discover(source);
      });
    }
  }

  #guarded(source: Source, decide: () => readonly ReaderCommand[]): void {
    let commands: readonly ReaderCommand[];
    try {
      commands = decide();
    } catch (error) {
      this.#failed(source, error);
      return;
    }
    for (const { subtask, command } of commands) {
      this.#options.command(source.firstIndex + subtask, command);
    }
  }

  #failed({ name }: Source, error: unknown): void {
    if (!this.#closed) {
      this.#options.fail(
        new MillraceError('TASK_FAILED', `the enumerator of source "${name}" failed: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    }
  }

  #source(operatorId: OperatorId): Source {
    return present(this.#sources.get(operatorId), `source ${operatorId}`);
  }
}

const subtasksOf = ({ firstIndex, parallelism }: Source, indices: readonly number[]): number[] =>
  indices.map((index) => index - firstIndex).filter((subtask) => subtask >= 0 && subtask < parallelism);
