import type { AttemptId } from '../foundation/common/ids.ts';
import type { JobVertex } from '../pipeline/graph/job-graph.ts';
import { HeapKeyedBackend } from '../runtime/state/heap/heap-keyed-backend.ts';
import { OperatorState } from '../runtime/state/operator-state.ts';
import type { TaskStateFactories } from '../runtime/taskmanager/task/task-state-store.ts';

/** State in memory (`state.backend.type: hashmap`), for one attempt. */
export const heapStateFactories = (vertex: JobVertex, attempt: AttemptId): TaskStateFactories => {
  const subtask = Number(attempt.split('/')[3]);
  const nameOf = (operatorId: string): string =>
    vertex.operators.find((operator) => operator.id === operatorId)?.name ?? operatorId;
  return {
    keyed: (operatorId, range) =>
      new HeapKeyedBackend({
        operatorName: nameOf(operatorId),
        maxParallelism: vertex.maxParallelism,
        keyGroupStart: range.start,
        keyGroupEnd: range.end,
        backendId: `${attempt}/${operatorId}`,
      }),
    operator: (operatorId) => new OperatorState(nameOf(operatorId)),
    restoredOperator: async (operatorId, states, reader) => {
      const state = new OperatorState(nameOf(operatorId));
      const bytes = await Promise.all(
        states.map(async ({ operatorState }) => (operatorState === undefined ? undefined : reader.read(operatorState))),
      );
      state.restore(bytes, subtask, vertex.parallelism);
      return state;
    },
  };
};
