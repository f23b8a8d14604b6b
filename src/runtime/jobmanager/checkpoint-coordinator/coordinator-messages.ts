import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { CheckpointId, JobId } from '../../../foundation/common/ids.ts';
import type { CheckpointTrigger } from '../../protocol/task-commands.ts';
import { subtaskName, type ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import type { PendingCheckpoint } from './pending-checkpoint.ts';

/** What the coordinator says in logs (Flink's words, which people search for) and in errors. */

const NAMES_SHOWN = 3;

export const failure = (code: string, message: string): ErrorInfo => ({ name: 'MillraceError', code, message });

export const because = (what: string, error: ErrorInfo): ErrorInfo => ({
  ...error,
  message: `${what}: ${error.message}`,
});

export const subtaskNames = (execution: ExecutionGraph, indices: readonly number[]): string => {
  const names = indices.slice(0, NAMES_SHOWN).map((index) => `"${subtaskName(execution.subtask(index))}"`);
  const more = indices.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
};

export const triggering = (trigger: CheckpointTrigger, jobId: JobId): string => {
  const suffix = trigger.stop === 'no' ? '' : `_${trigger.stop.toUpperCase()}`;
  const type = `${trigger.kind.toUpperCase()}${suffix}`;
  return `Triggering checkpoint ${trigger.checkpointId} (type=${type}) @ ${trigger.timestampMs} for job ${jobId}.`;
};

export const completedMessage = (checkpoint: CompletedCheckpoint, jobId: JobId, nowMs: number): string =>
  `Completed checkpoint ${checkpoint.checkpointId} for job ${jobId} (${checkpoint.stateBytes} bytes, ` +
  `checkpointDuration=${checkpoint.durationMs} ms, finalizationTime=${nowMs - checkpoint.metadata.completedMs} ms).`;

/** `consecutive`: how many failures in a row this makes, 0 when it does not count. */
export const failedMessage = (id: CheckpointId, jobId: JobId, error: ErrorInfo, consecutive: number): string =>
  `Failed to complete checkpoint ${id} for job ${jobId}: ${error.message}` +
  (consecutive === 0 ? '' : ` (${consecutive} consecutive ${consecutive === 1 ? 'failure' : 'failures'})`);

export const expired = (pending: PendingCheckpoint, timeoutMs: number, execution: ExecutionGraph): ErrorInfo => {
  const missing = [...pending.participants.keys()].filter((index) => !pending.isAcknowledgedBy(index));
  const what =
    pending.phase === 'writing'
      ? 'its metadata was not written in time'
      : `${missing.length} of ${pending.participants.size} tasks did not acknowledge: ${subtaskNames(execution, missing)}`;
  return failure('TIMEOUT', `it expired after ${timeoutMs} ms (execution.checkpointing.timeout); ${what}`);
};

export const neverStarted = (execution: ExecutionGraph, notRunning: readonly number[]): ErrorInfo => {
  const why = notRunning.length === 0 ? '' : `; not running: ${subtaskNames(execution, notRunning)}`;
  return failure('TIMEOUT', `it could not be triggered in time${why}`);
};

export const intolerable = (tolerable: number, id: CheckpointId, cause: ErrorInfo): ErrorInfo => ({
  name: 'MillraceError',
  code: 'CHECKPOINT_FAILED',
  message:
    `checkpoint ${id} failed, more than ${tolerable} failures in a row are not tolerated ` +
    `(execution.checkpointing.tolerable-failed-checkpoints): ${cause.message}`,
  cause,
});

/** Why nothing is triggered any more: the savepoint of a stop is complete. */
export const STOPPED = 'the job is stopped';

/** Acknowledgements that were on their way got lost. */
export const CONNECTION_LOST = failure('CHECKPOINT_FAILED', 'the connection to a TaskManager was lost meanwhile');
