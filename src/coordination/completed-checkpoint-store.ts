import type { ErrorInfo } from '../foundation/common/errors.ts';
import type { CheckpointId, JobId } from '../foundation/common/ids.ts';

/** A small record that names a checkpoint's files; the data itself never goes into a store. */
export interface CheckpointPointer {
  readonly jobId: JobId;
  readonly checkpointId: CheckpointId;
  /** `savepoint`: that of a stop (R8); its files belong to the user and are never deleted with the pointer. */
  readonly kind: 'checkpoint' | 'savepoint';
  /** The `_metadata` file. */
  readonly metadataPath: string;
  /** The folder that relative paths in the metadata start from. */
  readonly baseFolder: string;
  /** Unique for one attempt to write this pointer: "exists, with my write id" is success (R2). */
  readonly writeId: string;
}

/** What is known of a pointer write. `undecided` proves nothing: it may have happened, or may still happen (R2). */
export type PointerWrite =
  | { readonly outcome: 'written' }
  | { readonly outcome: 'not-written'; readonly error: ErrorInfo }
  | { readonly outcome: 'undecided'; readonly error: ErrorInfo };

/**
 * The completed checkpoints of one job. Every change is conditional on the leadership of the one who writes (I1): the
 * implementation adds that check to the same atomic operation.
 */
export interface CompletedCheckpointStore {
  /** Ascending by id; a consistent read, never from a cache (R14). Rejects with a retryable error when away (R5). */
  all(): Promise<readonly CheckpointPointer[]>;
  /** Never rejects: whatever happened is an outcome. */
  add(pointer: CheckpointPointer): Promise<PointerWrite>;
  /**
   * Brings an undecided `add` of the same pointer to its end: when nothing of it can happen any more, it is repeated if it has not
   * happened. `undecided` again when that cannot be done yet.
   */
  settle(pointer: CheckpointPointer): Promise<PointerWrite>;
  /** A missing pointer is no error. */
  remove(checkpointId: CheckpointId): Promise<void>;
}
