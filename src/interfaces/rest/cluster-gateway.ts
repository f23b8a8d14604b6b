import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { TaskDeployment, TaskMetrics } from '../../runtime/protocol/task-commands.ts';
import type { JobState, TaskState } from './schema/job-state.ts';

/** A job as a client sends it. */
export interface JobSubmission {
  /** Chosen by the client, so that a repeated submission is the same job. */
  readonly jobId: JobId;
  readonly graph: TaskDeployment['graph'];
  /** One ES module; `hash`: its SHA-256 in hex, which was checked. */
  readonly bundle: { readonly code: string; readonly hash: string };
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly configuration: Readonly<Record<string, string>>;
}

/** A job in a list; ended ones as long as their results are kept. */
export interface JobListEntry {
  readonly jobId: JobId;
  readonly name: string;
  readonly status: JobState;
  readonly startedMs: number;
  /** `undefined`: it has not ended. */
  readonly endedMs: number | undefined;
  /** Of the newest attempts; empty for an ended job whose tasks are forgotten. */
  readonly taskStates: readonly TaskState[];
}

export interface TaskInfo {
  readonly vertex: string;
  readonly subtask: number;
  readonly state: TaskState;
  /** Resource id of its TaskManager. */
  readonly taskManager: string | undefined;
  readonly metrics: TaskMetrics | undefined;
}

export interface CheckpointInfo {
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Its folder. */
  readonly path: string;
  readonly stateBytes: number;
  readonly writtenBytes: number;
  readonly durationMs: number;
  readonly completedMs: number;
}

export interface CheckpointCounts {
  readonly triggered: number;
  readonly completed: number;
  readonly failed: number;
  readonly inProgress: number;
  readonly latestCompleted: CheckpointInfo | undefined;
  readonly latestSavepoint: CheckpointInfo | undefined;
  readonly latestFailure:
    | { readonly checkpointId: number; readonly atMs: number; readonly error: ErrorInfo }
    | undefined;
  /** The checkpoint that the newest start restored. */
  readonly restored: number | undefined;
}

export interface JobDetails extends JobListEntry {
  /** `undefined` for an ended job whose graph is gone. */
  readonly graph: TaskDeployment['graph'] | undefined;
  readonly tasks: readonly TaskInfo[];
  readonly restarts: number;
  /** When it came into each state that it was in, milliseconds since 1970; those that are known. */
  readonly timestamps: Readonly<Partial<Record<JobState, number>>>;
  /** For people: what it waits for, such as slots. */
  readonly waiting: string | undefined;
  readonly checkpoints: CheckpointCounts | undefined;
  /** Failures, the newest first; with why it FAILED. */
  readonly failures: readonly JobFailureInfo[];
  /** Where a stop put its savepoint. */
  readonly savepoint: string | undefined;
  /** Of an ended job: the newest checkpoint that is still there. */
  readonly retainedCheckpoint: string | undefined;
}

export interface JobFailureInfo {
  readonly atMs: number;
  readonly error: ErrorInfo;
  readonly task: string | undefined;
  readonly taskManager: string | undefined;
}

export interface TaskManagerInfo {
  readonly resourceId: string;
  readonly rpcAddress: string;
  readonly dataPort: number;
  readonly lastHeartbeatMs: number;
  readonly slots: number;
  readonly freeSlots: number;
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface SavepointRequest {
  /** `undefined`: the configured one. */
  readonly folder: string | undefined;
  /** What comes after it: nothing; the end with everything committed, after the end of the input with `drain`; a cancel. */
  readonly afterwards: 'go-on' | 'stop' | 'drain' | 'cancel';
}

/**
 * The cluster as its leader knows it. Errors of every call: LEADERSHIP_LOST (this process leads no more) and whatever is
 * retryable, both answered 503; JOB_ENDED 409; BAD_OPTION and BAD_JOB 400; anything else 500.
 */
export interface ClusterGateway {
  readonly leadership: { readonly sessionId: string; readonly epoch: number };
  /** Durable before it resolves. The same job id again resolves too, whatever became of the job. */
  submit(submission: JobSubmission): Promise<void>;
  jobs(): Promise<readonly JobListEntry[]>;
  /** `undefined`: no such job. */
  job(jobId: JobId): Promise<JobDetails | undefined>;
  /** Resolves when the intent is durable (R7); the job ends later. */
  cancel(jobId: JobId): Promise<void>;
  /** Resolves to the savepoint's folder, with a stop when the job has ended. */
  savepoint(jobId: JobId, request: SavepointRequest): Promise<string>;
  checkpoint(jobId: JobId): Promise<Pick<CheckpointInfo, 'checkpointId' | 'path'>>;
  /** Deletes a savepoint. FILE_NOT_FOUND, CHECKPOINT_BROKEN. */
  disposeSavepoint(path: string): Promise<void>;
  taskManagers(): Promise<readonly TaskManagerInfo[]>;
  /** As it is in force; secrets are masked where it is shown. */
  configuration(): Readonly<Record<string, string>>;
  /** Ends all processes of the cluster in order; jobs stay in the store. Resolves when that has begun. */
  shutDown(): Promise<void>;
}
