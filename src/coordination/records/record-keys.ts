import { assert } from '../../foundation/common/assert.ts';
import type { JobId } from '../../foundation/common/ids.ts';

/** Names as Flink's nodes in ZooKeeper have them, below the cluster's root. */
const CHECKPOINT_ID_DIGITS = 19;

export const GRAPHS_PREFIX = 'execution-plans/';
export const RESULTS_PREFIX = 'results/';

export const graphKey = (jobId: JobId): string => `${GRAPHS_PREFIX}${jobId}`;
export const resultKey = (jobId: JobId): string => `${RESULTS_PREFIX}${jobId}`;
export const lockKey = (name: string): string => `locks/${name}`;

/** Everything of a job but its graph and its result. */
export const jobPrefix = (jobId: JobId): string => `jobs/${jobId}/`;
export const recordKey = (jobId: JobId): string => `${jobPrefix(jobId)}record`;
export const counterKey = (jobId: JobId): string => `${jobPrefix(jobId)}checkpoint_id_counter`;
export const checkpointsPrefix = (jobId: JobId): string => `${jobPrefix(jobId)}checkpoints/`;

export const checkpointKey = (jobId: JobId, checkpointId: number): string => {
  assert(Number.isSafeInteger(checkpointId) && checkpointId > 0, `${checkpointId} is no checkpoint id`);
  return checkpointsPrefix(jobId) + String(checkpointId).padStart(CHECKPOINT_ID_DIGITS, '0');
};
