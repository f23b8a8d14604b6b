import type { ErrorInfo } from '../../foundation/common/errors.ts';

/** What clients ask of the snapshots of a job, the same at the REST endpoint and at the Dispatcher. */
export interface SnapshotTrigger {
  /** Chosen by the client, so that a repeated request is the same one; made where it is missing. */
  readonly triggerId?: string;
}

export interface SavepointRequest extends SnapshotTrigger {
  /** `execution.checkpointing.savepoint-dir` where it is missing. */
  readonly directory?: string;
}

export interface StopRequest extends SavepointRequest {
  /** Ends the input first, with all that windows and timers still hold. */
  readonly drain: boolean;
}

export type SnapshotStatus =
  | { readonly state: 'in-progress' }
  /** The folder of the savepoint or checkpoint. */
  | { readonly state: 'completed'; readonly location: string }
  | { readonly state: 'failed'; readonly error: ErrorInfo };
