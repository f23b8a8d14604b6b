import type { CheckpointTarget, KeyedStateHandle, StateReader } from './state-handle.ts';
import type { KeyedStateBackend } from './keyed-state.ts';

/** A snapshot whose synchronous part is over; `write` serializes in slices and uploads while the task goes on. */
export interface PendingKeyedSnapshot {
  /**
   * `pause` is awaited between slices of about a millisecond, so that records flow meanwhile. The result names every
   * segment, those of the base included. Rejects when it was cancelled or a write failed.
   */
  write(target: CheckpointTarget, pause: () => Promise<void>): Promise<KeyedStateHandle>;
  /** Forgets the snapshot; the changes it held go into the next one. */
  cancel(): void;
}

export interface SnapshotOptions {
  readonly checkpointId: number;
  /** The base that the trigger names (R6); without it, or when this backend does not have it, the snapshot is full. */
  readonly baseId?: number | undefined;
  /** Savepoints are full and build on nothing. */
  readonly full?: boolean;
}

/** The side of a keyed backend that the task drives. */
export interface SnapshottableKeyedBackend extends KeyedStateBackend {
  /** O(1): marks the state as of now. */
  snapshot(options: SnapshotOptions): PendingKeyedSnapshot;
  /** A completed checkpoint is announced to every task (R6): what it counted may be a base from now on. */
  checkpointCompleted(checkpointId: number): void;
  /** Takes the key groups of this backend out of the handles of any parallelism. */
  restore(handles: readonly KeyedStateHandle[], reader: StateReader, restoredId: number): Promise<void>;
  readonly sizeEstimate: { readonly keys: number };
}

export interface KeyedBackendOptions {
  readonly operatorName: string;
  readonly maxParallelism: number;
  /** Inclusive. */
  readonly keyGroupStart: number;
  /** Inclusive. */
  readonly keyGroupEnd: number;
  /** Unique for this instance. */
  readonly backendId: string;
}
