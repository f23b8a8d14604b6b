import type { TaskMetrics } from '../../protocol/task-commands.ts';
import type { Execution } from './execution.ts';
import type { TaskOverview } from './job-master-options.ts';

/** `metrics`: by subtask index. */
export const taskOverview = (
  { subtask, state, attemptNumber }: Execution,
  metrics: ReadonlyMap<number, TaskMetrics>,
): TaskOverview => ({
  vertex: subtask.vertex.id,
  name: subtask.vertex.name,
  subtask: subtask.subtask,
  state,
  attempt: attemptNumber,
  metrics: metrics.get(subtask.index),
});
