/**
 * Where a piece of snapshotted state lies. File handles name files relative to the job's checkpoint folder (`chk-7/ab12`,
 * `shared/9f3c`) or, in a savepoint, relative to the savepoint's folder, so that a folder can be moved.
 */
export type StateHandle = InlineStateHandle | FileStateHandle;

/** Small state travels inside the metadata (`execution.checkpointing.data-inline-threshold`). */
export interface InlineStateHandle {
  readonly kind: 'inline';
  readonly bytes: Uint8Array;
}

export interface FileStateHandle {
  readonly kind: 'file';
  readonly path: string;
  readonly sizeBytes: number;
  /** CRC-32 of the whole file. */
  readonly checksum: number;
}

/** One file (or inline piece) of keyed state: a full image or the changes since the segment before it. */
export interface KeyedSegment {
  readonly handle: StateHandle;
  readonly full: boolean;
  /** The checkpoint that wrote it. */
  readonly checkpointId: number;
}

/** The keyed state of one operator's subtask: the first segment is full, the others are applied in order. */
export interface KeyedStateHandle {
  /** Inclusive. */
  readonly keyGroupStart: number;
  /** Inclusive. */
  readonly keyGroupEnd: number;
  /** Unique for the backend instance that wrote the newest segment. */
  readonly backendId: string;
  readonly segments: readonly KeyedSegment[];
}

/** What one operator's subtask snapshotted. */
export interface OperatorSubtaskState {
  readonly keyed: readonly KeyedStateHandle[];
  /** Named lists that do not belong to keys, encoded by `operator-state-format.ts`. */
  readonly operatorState?: StateHandle;
}

/** What one subtask acknowledged: state by operator id. */
export type SubtaskState = Readonly<Record<string, OperatorSubtaskState>>;

/** Where a task writes its part of a checkpoint. */
export interface CheckpointTarget {
  /**
   * Writes one piece durably (I3) and returns its handle: inline below the threshold. `shared` pieces may be referred to
   * by later checkpoints, `exclusive` ones belong to this checkpoint alone. `checksum` is the CRC-32 of `content`, from
   * who computed it already: for a large content that takes longer than a task may be held up at once.
   */
  writeState(scope: 'shared' | 'exclusive', content: readonly Uint8Array[], checksum?: number): Promise<StateHandle>;
}

/** Reads what handles of one checkpoint name, with length and checksum verified (CHECKPOINT_BROKEN otherwise). */
export interface StateReader {
  read(handle: StateHandle): Promise<Uint8Array>;
}
