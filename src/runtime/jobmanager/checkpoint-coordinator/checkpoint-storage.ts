import type { CheckpointPointer } from '../../../coordination/completed-checkpoint-store.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { UnpointedIds } from '../../checkpoint/collect-left-overs.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import type { OperatorSubtaskState, SubtaskState } from '../../state/state-handle.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';

/** Where state is copied to: a savepoint's folder, or the job's checkpoint folder on behalf of a checkpoint. */
export interface CopyTarget {
  readonly folder: string;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly checkpointId: CheckpointId;
}

/** What the coordinator needs of files; the composition root gives it. Deletions are best effort and never reject. */
export interface CheckpointStorage {
  /** A fresh folder for a savepoint in `directory`, made; rejects when nothing can be written there. */
  newSavepointFolder(directory: string): Promise<string>;
  /** Durable before it resolves (I3). Into `chk-<n>` below the job's checkpoint folder, or into the savepoint's folder. */
  writeMetadata(folder: string, metadata: CheckpointMetadata): Promise<{ readonly metadataPath: string }>;
  readMetadata(pointer: CheckpointPointer): Promise<CheckpointMetadata>;
  /** Copies the files that `state` names and returns it with the names of the copies. */
  copyState(fromFolder: string, target: CopyTarget, state: OperatorSubtaskState): Promise<OperatorSubtaskState>;
  /** Its pointer is gone: deletes the files of a checkpoint, except those that `retained` refer to. */
  deleteCheckpoint(checkpoint: CompletedCheckpoint, retained: readonly CompletedCheckpoint[]): Promise<void>;
  /** Its pointer is gone, and what it refers to is not known: deletes its metadata and what only it can refer to. */
  deleteBroken(id: CheckpointId, retained: readonly CompletedCheckpoint[]): Promise<void>;
  /**
   * Deletes what was written for a checkpoint or savepoint that will never complete: metadata first, then of the files
   * that `states` name those that it wrote itself.
   */
  discard(
    aborted: { readonly checkpointId: CheckpointId; readonly folder: string; readonly savepoint: boolean },
    states: readonly SubtaskState[],
  ): Promise<void>;
  /** A newer checkpoint is complete: deletes what was written for older ones that nothing refers to, and `unpointed` ones (R16). */
  collectLeftOvers(unpointed: UnpointedIds): Promise<void>;
  /** The job ended and keeps none of its checkpoints: deletes what is left in its checkpoint folder. */
  deleteAll(): Promise<void>;
}
