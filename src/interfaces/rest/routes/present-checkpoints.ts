import type { CheckpointCounts, CheckpointInfo } from '../cluster-gateway.ts';
import type { CheckpointBody, CheckpointsBody } from '../schema/checkpoints-schema.ts';

/** `undefined`: nothing is known, as for a job that has ended. */
export const presentCheckpoints = (counts: CheckpointCounts | undefined): CheckpointsBody => {
  const completed = counts?.latestCompleted === undefined ? null : presentCheckpoint(counts.latestCompleted);
  const savepoint = counts?.latestSavepoint === undefined ? null : presentCheckpoint(counts.latestSavepoint);
  const failed = counts?.latestFailure === undefined ? null : presentFailed(counts.latestFailure);
  const history = [completed, savepoint, failed].filter((checkpoint) => checkpoint !== null);
  return {
    counts: {
      restored: counts?.restored === undefined ? 0 : 1,
      total: counts?.triggered ?? 0,
      in_progress: counts?.inProgress ?? 0,
      completed: counts?.completed ?? 0,
      failed: counts?.failed ?? 0,
    },
    latest: {
      completed,
      savepoint,
      failed,
      restored:
        counts?.restored === undefined ? null : { id: counts.restored, restore_timestamp: 0, is_savepoint: false },
    },
    history: history.toSorted((a, b) => b.id - a.id),
  };
};

const presentCheckpoint = (checkpoint: CheckpointInfo): CheckpointBody => ({
  id: checkpoint.checkpointId,
  status: 'COMPLETED',
  is_savepoint: checkpoint.kind === 'savepoint',
  trigger_timestamp: checkpoint.completedMs - checkpoint.durationMs,
  latest_ack_timestamp: checkpoint.completedMs,
  checkpointed_size: checkpoint.writtenBytes,
  state_size: checkpoint.stateBytes,
  end_to_end_duration: checkpoint.durationMs,
  checkpoint_type: checkpoint.kind === 'savepoint' ? 'SAVEPOINT' : 'CHECKPOINT',
  external_path: checkpoint.path,
  discarded: false,
});

const presentFailed = ({
  checkpointId,
  atMs,
  error,
}: NonNullable<CheckpointCounts['latestFailure']>): CheckpointBody => ({
  id: checkpointId,
  status: 'FAILED',
  is_savepoint: false,
  trigger_timestamp: atMs,
  latest_ack_timestamp: -1,
  checkpointed_size: 0,
  state_size: 0,
  end_to_end_duration: 0,
  checkpoint_type: 'CHECKPOINT',
  failure_timestamp: atMs,
  failure_message: error.message,
});
