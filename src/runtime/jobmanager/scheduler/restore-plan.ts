import { present } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { keyGroupRangeOf } from '../../../foundation/common/key-groups.ts';
import { checkpointId, type OperatorId, type VertexId } from '../../../foundation/common/ids.ts';
import type { JobOperator, JobVertex } from '../../../pipeline/graph/job-graph.ts';
import type { CheckpointMetadata, OperatorMetadata } from '../../checkpoint/metadata.ts';
import type { OperatorRestore, TaskRestore } from '../../protocol/task-commands.ts';
import type { KeyedStateHandle, OperatorSubtaskState, SubtaskState } from '../../state/state-handle.ts';
import type { ExecutionGraph, Subtask } from './execution-graph.ts';

/** A checkpoint or savepoint to restore from, as read from storage. */
export interface RestorePoint {
  readonly metadata: CheckpointMetadata;
  /** The folder that relative paths of its handles start from. */
  readonly baseFolder: string;
  /** The `_metadata` file, for messages. */
  readonly metadataPath: string;
  /** The job owns the snapshot from now on; the one that took it is gone. */
  readonly isClaimed?: boolean;
}

const EMPTY: OperatorSubtaskState = { keyed: [] };

/**
 * What each subtask of a job restores from one checkpoint. Operators are matched by id; the parallelism may differ, then
 * keyed state goes by key groups and operator state to everybody, for the task to take its share.
 */
export class RestorePlan {
  readonly point: RestorePoint;
  /** Subtask indices whose end the checkpoint covers (R11). */
  readonly finished: ReadonlySet<number>;
  /** Of those the ones that have nothing left to do: they commit nothing, or have done so. */
  readonly settled: ReadonlySet<number>;
  /** The operators whose state is left behind, because the job does not have them and `allowNonRestoredState` is set. */
  readonly dropped: readonly string[];
  readonly #byOperator: ReadonlyMap<string, OperatorMetadata>;

  /** Throws CHECKPOINT_MISMATCH, naming the operator, when the state does not fit the job. */
  constructor(execution: ExecutionGraph, point: RestorePoint, options: { readonly allowNonRestoredState: boolean }) {
    this.point = point;
    this.#byOperator = new Map(point.metadata.operators.map((operator) => [operator.operatorId, operator]));
    const operators = new Map<string, { vertex: JobVertex; operator: JobOperator }>();
    for (const vertex of execution.graph.vertices) {
      for (const operator of vertex.operators) {
        operators.set(operator.id, { vertex, operator });
      }
    }
    const dropped: string[] = [];
    for (const stored of point.metadata.operators) {
      const found = operators.get(stored.operatorId);
      if (found === undefined) {
        requireNoState(stored, point, options.allowNonRestoredState);
        dropped.push(...(hasState(stored) ? [describe(stored)] : []));
      } else {
        requireSameKeyGroups(stored, found.vertex, found.operator, point);
      }
    }
    this.dropped = dropped;
    this.finished = finishedSubtasks(execution, this.#byOperator);
    this.settled = new Set([...this.finished].filter((index) => this.#isSettled(execution.subtask(index))));
  }

  #isSettled({ vertex, subtask }: Subtask): boolean {
    const sinks = vertex.operators.filter(({ sink }) => sink !== undefined);
    return sinks.every(({ id }) => this.#byOperator.get(id)?.committedSubtasks?.includes(subtask) === true);
  }

  /** The enumerator's snapshot of a source. */
  enumeratorState(operator: OperatorId): unknown {
    return this.#byOperator.get(operator)?.enumerator;
  }

  taskRestore({ vertex, subtask }: Subtask, commitOnly: boolean): TaskRestore {
    return {
      checkpointId: checkpointId(this.point.metadata.checkpointId),
      baseFolder: this.point.baseFolder,
      operators: vertex.operators.flatMap((operator) => {
        const stored = this.#byOperator.get(operator.id);
        return stored === undefined ? [] : [operatorRestore(operator.id, stored, vertex, subtask)];
      }),
      commitOnly,
      ...(this.point.isClaimed === true ? { claimedJobId: this.point.metadata.jobId } : {}),
    };
  }

  /** What a finished subtask left, to be carried into later checkpoints. */
  stateOf({ vertex, subtask }: Subtask): SubtaskState {
    const state: Record<string, OperatorSubtaskState> = {};
    for (const operator of vertex.operators) {
      const left = this.#byOperator.get(operator.id)?.subtasks[subtask];
      if (left !== undefined) {
        state[operator.id] = left;
      }
    }
    return state;
  }
}

const operatorRestore = (
  operatorId: OperatorId,
  stored: OperatorMetadata,
  vertex: JobVertex,
  subtask: number,
): OperatorRestore => {
  const range = keyGroupRangeOf(subtask, vertex.maxParallelism, vertex.parallelism);
  const overlaps = (handle: KeyedStateHandle): boolean =>
    handle.keyGroupStart <= range.end && range.start <= handle.keyGroupEnd;
  const old = Array.from({ length: stored.parallelism }, (_, index) => stored.subtasks[index] ?? EMPTY);
  return {
    operatorId,
    states: old.map((state) => ({ keyed: state.keyed.filter(overlaps) })).filter((state) => state.keyed.length > 0),
    operatorStates: old.map(({ operatorState }) =>
      operatorState === undefined ? EMPTY : { keyed: [], operatorState },
    ),
  };
};

const hasState = ({ subtasks, enumerator }: OperatorMetadata): boolean =>
  enumerator !== undefined ||
  subtasks.some((state) => state !== undefined && (state.keyed.length > 0 || state.operatorState !== undefined));

const describe = ({ name, uid, operatorId }: OperatorMetadata): string =>
  `"${name}" (${uid === undefined ? `no uid, id ${operatorId}` : `uid "${uid}"`})`;

const requireNoState = (stored: OperatorMetadata, point: RestorePoint, allowNonRestoredState: boolean): void => {
  if (!allowNonRestoredState && hasState(stored)) {
    throw new MillraceError(
      'CHECKPOINT_MISMATCH',
      `${point.metadataPath} has state of operator ${describe(stored)}, which the job does not have. ` +
        `Give the operator that goes on with this state ${stored.uid === undefined ? 'the place and name it had' : 'this uid'}, ` +
        'or drop the state with --allowNonRestoredState',
    );
  }
};

const requireSameKeyGroups = (
  stored: OperatorMetadata,
  vertex: JobVertex,
  operator: JobOperator,
  point: RestorePoint,
): void => {
  const keyed = stored.subtasks.some((state) => state !== undefined && state.keyed.length > 0);
  if (keyed && stored.maxParallelism !== vertex.maxParallelism) {
    throw new MillraceError(
      'CHECKPOINT_MISMATCH',
      `operator "${operator.name}" has maximum parallelism ${vertex.maxParallelism}, its state in ${point.metadataPath} ` +
        `was written with ${stored.maxParallelism}: set it back to ${stored.maxParallelism} (pipeline.max-parallelism or ` +
        'setMaxParallelism of the operator); it cannot change while there is state',
    );
  }
};

/**
 * Subtasks of the new graph that had ended. A vertex may be chained otherwise than it was, so all of its operators must
 * have ended in this subtask, with the same parallelism: with another one the state is dealt out anew, and who gets a
 * share of it runs again, to its end. A task whose producers go on has not ended either.
 */
const finishedSubtasks = (
  execution: ExecutionGraph,
  stored: ReadonlyMap<string, OperatorMetadata>,
): ReadonlySet<number> => {
  const ended = new Map<VertexId, (subtask: number) => boolean>();
  for (const vertex of execution.graph.vertices) {
    const tests = vertex.operators.map((operator) => endedTest(stored.get(operator.id), vertex.parallelism));
    ended.set(vertex.id, (subtask) => tests.every((test) => test(subtask)));
  }
  const finished = new Set<number>();
  // Producers come before their consumers in `subtasks`.
  for (const { index, vertex, subtask } of execution.subtasks) {
    const hasEnded = present(ended.get(vertex.id), 'vertex')(subtask);
    if (hasEnded && !execution.someProducer(index, (producer) => !finished.has(producer))) {
      finished.add(index);
    }
  }
  return finished;
};

const endedTest = (stored: OperatorMetadata | undefined, parallelism: number): ((subtask: number) => boolean) => {
  if (stored === undefined || stored.parallelism !== parallelism) {
    return () => false;
  }
  const indices = new Set(stored.finishedSubtasks);
  return (subtask) => indices.has(subtask);
};
