import type { CheckpointingPlan } from '../../../pipeline/graph/job-graph.ts';
import type { JobStatus } from './job-status.ts';

/** Whether a job that ended so leaves its checkpoints (`execution.checkpointing.externalized-checkpoint-retention`). */
export const keepsCheckpoints = (status: JobStatus, retention: CheckpointingPlan['retention']): boolean => {
  switch (status) {
    case 'FINISHED':
      return false;
    case 'CANCELED':
      return retention === 'RETAIN_ON_CANCELLATION';
    default:
      return retention !== 'NO_EXTERNALIZED_CHECKPOINTS';
  }
};
