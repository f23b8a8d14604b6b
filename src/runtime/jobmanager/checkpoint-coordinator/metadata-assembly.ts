import { present } from '../../../foundation/common/assert.ts';
import type { Generation } from '../../../foundation/common/ids.ts';
import type { CheckpointMetadata, OperatorMetadata } from '../../checkpoint/metadata.ts';
import type { OperatorSubtaskState, StateHandle, SubtaskState } from '../../state/state-handle.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { Relocation } from './coordinator-event.ts';
import type { PendingCheckpoint } from './pending-checkpoint.ts';
import type { CarriedState, TaskRoster } from './task-roster.ts';

export interface AssemblyContext {
  readonly jobId: string;
  readonly execution: ExecutionGraph;
  readonly generation: Generation;
  readonly completedMs: number;
}

/** What `_metadata` will say, from the acknowledgements and what ended subtasks left. */
export const assembleMetadata = (
  pending: PendingCheckpoint,
  roster: TaskRoster,
  context: AssemblyContext,
): { readonly metadata: CheckpointMetadata; readonly relocations: readonly Relocation[] } => {
  const { execution } = context;
  const relocations: Relocation[] = [];
  const operators: OperatorMetadata[] = [];
  for (const vertex of execution.graph.vertices) {
    const states: SubtaskState[] = [];
    const finishedSubtasks: number[] = [];
    const committedSubtasks: number[] = [];
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
      const index = execution.indexOf(vertex.id, subtask);
      const acknowledged = pending.acknowledgement(index);
      const carried = acknowledged === undefined ? present(roster.carried(index), 'carried state') : undefined;
      states.push(acknowledged?.state ?? present(carried, 'carried state').state);
      if (carried !== undefined || pending.coversEnd(index)) {
        finishedSubtasks.push(subtask);
      }
      if (carried !== undefined && roster.hasCommitted(index)) {
        committedSubtasks.push(subtask);
      }
      if (carried !== undefined && carried.folder !== pending.trigger.folder) {
        relocations.push(...relocationsOf(carried.state, subtask, carried.folder));
      }
    }
    for (const { id, uid, name, kind } of vertex.operators) {
      const enumerator = pending.enumerators.get(id);
      operators.push({
        operatorId: id,
        ...(uid === undefined ? {} : { uid }),
        name,
        kind,
        parallelism: vertex.parallelism,
        maxParallelism: vertex.maxParallelism,
        subtasks: states.map((state) => state[id]),
        finishedSubtasks,
        committedSubtasks,
        ...(enumerator === undefined ? {} : { enumerator }),
      });
    }
  }
  return {
    metadata: {
      jobId: context.jobId,
      jobName: execution.graph.name,
      checkpointId: pending.id,
      kind: pending.trigger.kind,
      triggeredMs: pending.triggeredAt.wallMs,
      completedMs: context.completedMs,
      generation: context.generation,
      graphFingerprint: execution.graph.fingerprint,
      operators,
    },
    relocations,
  };
};

const relocationsOf = (state: SubtaskState, subtask: number, fromFolder: string): Relocation[] =>
  Object.entries(state)
    .filter(([, operatorState]) => handlesOf(operatorState).some(({ kind }) => kind === 'file'))
    .map(([operatorId]) => ({ operatorId, subtask, fromFolder }));

/** The handles of one operator's subtask. */
export const handlesOf = ({ keyed, operatorState }: OperatorSubtaskState): StateHandle[] => [
  ...keyed.flatMap(({ segments }) => segments.map(({ handle }) => handle)),
  ...(operatorState === undefined ? [] : [operatorState]),
];

/** Bytes of everything the checkpoint refers to; a file that several handles name counts once. */
export const stateBytesOf = (metadata: CheckpointMetadata): number => {
  const files = new Map<string, number>();
  let inlineBytes = 0;
  for (const { subtasks } of metadata.operators) {
    for (const handle of subtasks.flatMap((state) => (state === undefined ? [] : handlesOf(state)))) {
      if (handle.kind === 'inline') {
        inlineBytes += handle.bytes.length;
      } else {
        files.set(handle.path, handle.sizeBytes);
      }
    }
  }
  return inlineBytes + [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
};

/** The metadata with other handles for what was copied into its folder; `copied` in the order of `relocations`. */
export const withRelocated = (
  metadata: CheckpointMetadata,
  relocations: readonly Relocation[],
  copied: readonly OperatorSubtaskState[],
): CheckpointMetadata => {
  const replacements = new Map(
    relocations.map(({ operatorId, subtask }, place) => [`${operatorId}/${subtask}`, copied[place]]),
  );
  return {
    ...metadata,
    operators: metadata.operators.map((operator) => ({
      ...operator,
      subtasks: operator.subtasks.map(
        (state, subtask) => replacements.get(`${operator.operatorId}/${subtask}`) ?? state,
      ),
    })),
  };
};

/** What the subtasks left that a completed checkpoint knows to have ended, by subtask index. */
export const carriedStates = (
  metadata: CheckpointMetadata,
  folder: string,
  execution: ExecutionGraph,
): ReadonlyMap<number, CarriedState> => {
  const byOperator = new Map(metadata.operators.map((operator) => [operator.operatorId, operator]));
  const carried = new Map<number, CarriedState>();
  for (const { index, vertex, subtask } of execution.subtasks) {
    const stored = vertex.operators.map(({ id }) => [id, present(byOperator.get(id), 'operator')] as const);
    if (stored.every(([, operator]) => operator.finishedSubtasks.includes(subtask))) {
      const states = stored.flatMap(([id, { subtasks }]) => {
        const state = subtasks[subtask];
        return state === undefined ? [] : [[id, state] as const];
      });
      carried.set(index, { folder, state: Object.fromEntries(states) });
    }
  }
  return carried;
};
