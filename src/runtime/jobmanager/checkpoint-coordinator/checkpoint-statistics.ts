import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';

export interface CompletedCheckpointSummary {
  readonly checkpointId: CheckpointId;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly path: string;
  readonly stateBytes: number;
  readonly writtenBytes: number;
  readonly durationMs: number;
  readonly completedMs: number;
}

/** For display: plain data, a snapshot. */
export interface CheckpointStatisticsSnapshot {
  readonly triggered: number;
  readonly completed: number;
  readonly failed: number;
  readonly inProgress: number;
  readonly savepoints: number;
  readonly latestCompleted: CompletedCheckpointSummary | undefined;
  readonly latestSavepoint: CompletedCheckpointSummary | undefined;
  readonly latestFailure:
    | { readonly checkpointId: CheckpointId; readonly atMs: number; readonly error: ErrorInfo }
    | undefined;
  /** The checkpoint that the newest (re)start restored. */
  readonly restored: CheckpointId | undefined;
}

export class CheckpointStatistics {
  #triggered = 0;
  #completed = 0;
  #failed = 0;
  #savepoints = 0;
  #latestCompleted: CompletedCheckpointSummary | undefined;
  #latestSavepoint: CompletedCheckpointSummary | undefined;
  #latestFailure: CheckpointStatisticsSnapshot['latestFailure'];
  #restored: CheckpointId | undefined;

  triggered(): void {
    this.#triggered++;
  }

  completed(checkpoint: CompletedCheckpoint): void {
    this.#completed++;
    const summary = summaryOf(checkpoint);
    if (checkpoint.kind === 'savepoint') {
      this.#savepoints++;
      this.#latestSavepoint = summary;
    } else {
      this.#latestCompleted = summary;
    }
  }

  failed(checkpointId: CheckpointId, atMs: number, error: ErrorInfo): void {
    this.#failed++;
    this.#latestFailure = { checkpointId, atMs, error };
  }

  restored(checkpointId: CheckpointId | undefined): void {
    this.#restored = checkpointId;
  }

  get snapshot(): CheckpointStatisticsSnapshot {
    return {
      triggered: this.#triggered,
      completed: this.#completed,
      failed: this.#failed,
      inProgress: this.#triggered - this.#completed - this.#failed,
      savepoints: this.#savepoints,
      latestCompleted: this.#latestCompleted,
      latestSavepoint: this.#latestSavepoint,
      latestFailure: this.#latestFailure,
      restored: this.#restored,
    };
  }
}

const summaryOf = (checkpoint: CompletedCheckpoint): CompletedCheckpointSummary => ({
  checkpointId: checkpoint.checkpointId,
  kind: checkpoint.kind,
  path: checkpoint.metadataPath,
  stateBytes: checkpoint.stateBytes,
  writtenBytes: checkpoint.writtenBytes,
  durationMs: checkpoint.durationMs,
  completedMs: checkpoint.metadata.completedMs,
});
