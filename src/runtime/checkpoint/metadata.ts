import type { SubtaskState, OperatorSubtaskState } from '../state/state-handle.ts';

/** What `_metadata` says; `metadata-format.ts` turns it into bytes. Times in milliseconds since 1970. */
export interface CheckpointMetadata {
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly triggeredMs: number;
  readonly completedMs: number;
  /** The job's next generation number starts above this one, so that names with generations stay unique (I5). */
  readonly generation: { readonly epoch: number; readonly number: number };
  readonly graphFingerprint: string;
  readonly operators: readonly OperatorMetadata[];
}

export interface OperatorMetadata {
  readonly operatorId: string;
  readonly uid?: string;
  readonly name: string;
  /** As `JobOperator.kind`. */
  readonly kind: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** By subtask; `undefined` where a subtask had no state. */
  readonly subtasks: readonly (OperatorSubtaskState | undefined)[];
  /** Subtasks whose end this checkpoint covers (R11). */
  readonly finishedSubtasks: readonly number[];
  /** Of those the ones that had reported their end before: they have nothing left to commit (R11). Missing: nobody knows. */
  readonly committedSubtasks?: readonly number[];
  /** The enumerator's snapshot, plain data. */
  readonly enumerator?: unknown;
}

/** The states of the subtasks of one vertex, as acknowledged. */
export type VertexStates = ReadonlyMap<number, SubtaskState>;
