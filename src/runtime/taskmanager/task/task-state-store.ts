import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { KeyGroupRange } from '../../../foundation/common/key-groups.ts';
import type { BarrierEvent } from '../../network/stream-element.ts';
import type { TaskRestore } from '../../protocol/task-commands.ts';
import type { KeyedStateBackend, OperatorStateStore } from '../../state/keyed-state.ts';
import type { PendingKeyedSnapshot, SnapshottableKeyedBackend } from '../../state/snapshot.ts';
import type {
  CheckpointTarget,
  KeyedStateHandle,
  OperatorSubtaskState,
  StateReader,
  SubtaskState,
} from '../../state/state-handle.ts';

/** Operator state as the task drives it. */
export interface SnapshottableOperatorState extends OperatorStateStore {
  /** The bytes of all lists as of now; `undefined` where there is none. */
  snapshot(): Uint8Array | undefined;
}

export interface TaskStateFactories {
  keyed(operatorId: OperatorId, range: KeyGroupRange): SnapshottableKeyedBackend;
  operator(operatorId: OperatorId): SnapshottableOperatorState;
  /** Restored from the states of all old subtasks. */
  restoredOperator(
    operatorId: OperatorId,
    states: readonly OperatorSubtaskState[],
    reader: StateReader,
  ): Promise<SnapshottableOperatorState>;
}

/** A snapshot of every operator of the task, marked but not yet written. */
export interface PendingTaskSnapshot {
  write(target: CheckpointTarget, pause: () => Promise<void>): Promise<SubtaskState>;
  cancel(): void;
}

/** The state of all operators of one task. */
export class TaskStateStore {
  readonly #factories: TaskStateFactories;
  readonly #range: KeyGroupRange;
  readonly #keyed = new Map<OperatorId, SnapshottableKeyedBackend>();
  readonly #operator = new Map<OperatorId, SnapshottableOperatorState>();

  constructor(factories: TaskStateFactories, range: KeyGroupRange) {
    this.#factories = factories;
    this.#range = range;
  }

  async restore(restore: TaskRestore, reader: StateReader): Promise<void> {
    for (const { operatorId, states, operatorStates } of restore.operators) {
      const handles: KeyedStateHandle[] = states.flatMap((state) => state.keyed);
      if (handles.length > 0) {
        const backend = this.#factories.keyed(operatorId, this.#range);
        this.#keyed.set(operatorId, backend);
        await backend.restore(handles, reader, restore.checkpointId);
      }
      if (operatorStates.some((state) => state.operatorState !== undefined)) {
        this.#operator.set(operatorId, await this.#factories.restoredOperator(operatorId, operatorStates, reader));
      }
    }
  }

  keyedState(operatorId: OperatorId): KeyedStateBackend {
    const known = this.#keyed.get(operatorId);
    if (known !== undefined) {
      return known;
    }
    const backend = this.#factories.keyed(operatorId, this.#range);
    this.#keyed.set(operatorId, backend);
    return backend;
  }

  operatorState(operatorId: OperatorId): OperatorStateStore {
    const known = this.#operator.get(operatorId);
    if (known !== undefined) {
      return known;
    }
    const store = this.#factories.operator(operatorId);
    this.#operator.set(operatorId, store);
    return store;
  }

  /** Marks keyed state (O(1) each) and takes the lists of operators. */
  snapshot(barrier: BarrierEvent): PendingTaskSnapshot {
    const full = barrier.checkpoint === 'savepoint';
    const keyed = [...this.#keyed].map(
      ([id, backend]) =>
        [id, backend.snapshot({ checkpointId: barrier.checkpointId, baseId: barrier.base, full })] as const,
    );
    const lists = [...this.#operator].map(([id, store]) => [id, store.snapshot()] as const);
    return {
      write: (target, pause) => writeAll(keyed, lists, target, pause),
      cancel: () => {
        for (const [, pending] of keyed) {
          pending.cancel();
        }
      },
    };
  }

  checkpointCompleted(checkpointId: number): void {
    for (const backend of this.#keyed.values()) {
      backend.checkpointCompleted(checkpointId);
    }
  }
}

const writeAll = async (
  keyed: readonly (readonly [OperatorId, PendingKeyedSnapshot])[],
  lists: readonly (readonly [OperatorId, Uint8Array | undefined])[],
  target: CheckpointTarget,
  pause: () => Promise<void>,
): Promise<SubtaskState> => {
  const states: Record<string, OperatorSubtaskState> = {};
  for (const [id, pending] of keyed) {
    states[id] = { keyed: [await pending.write(target, pause)] };
  }
  for (const [id, bytes] of lists) {
    if (bytes !== undefined) {
      states[id] = {
        keyed: states[id]?.keyed ?? [],
        operatorState: await target.writeState('exclusive', [bytes]),
      };
    }
  }
  return states;
};
