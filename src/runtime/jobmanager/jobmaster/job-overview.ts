import type { TaskMetrics } from '../../protocol/task-commands.ts';
import type { Execution } from './execution.ts';
import type { JobCore } from './job-core.ts';
import type { JobMasterOptions, JobOverview, TaskOverview } from './job-master-options.ts';

/** `metrics`: by subtask index. */
export const jobOverview = (
  { jobId, graph }: Pick<JobMasterOptions, 'jobId' | 'graph'>,
  core: JobCore,
  metrics: ReadonlyMap<number, TaskMetrics>,
  more: Pick<JobOverview, 'startedMs' | 'latestFailure' | 'checkpoints'>,
): JobOverview => ({
  jobId,
  name: graph.name,
  status: core.status,
  restarts: core.restarts.total,
  tasks: core.executions.map((execution) => taskOverview(execution, metrics)),
  ...more,
});

const taskOverview = (
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
