import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { RescaleRequest, VertexParallelism } from '../../runtime/protocol/rescale-request.ts';
import type { Reachability } from '../../runtime/protocol/reachability.ts';
import type { Standbys } from '../../runtime/protocol/standbys.ts';
import type {
  SavepointRequest,
  SnapshotStatus,
  SnapshotTrigger,
  StopRequest,
} from '../../runtime/protocol/snapshot-requests.ts';
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
  /** How many tasks are in each state; empty for an ended job whose tasks are forgotten. */
  readonly taskCounts: Readonly<Partial<Record<TaskState, number>>>;
  /** For people: what it waits for, such as slots. */
  readonly waiting: string | undefined;
}

export interface TaskInfo {
  /** Id of its vertex. */
  readonly vertex: string;
  /** Of its vertex. */
  readonly name: string;
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
  readonly checkpoints: CheckpointCounts | undefined;
  /** Failures, the newest first; with why it FAILED. */
  readonly failures: readonly JobFailureInfo[];
  /** What of it does not survive what, for people. */
  readonly notes: readonly string[];
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
  readonly slots: number;
  readonly freeSlots: number;
  readonly rpcAddress?: string;
  readonly dataPort?: number;
  readonly lastHeartbeatMs?: number;
  readonly cores?: number;
  readonly memoryBytes?: number;
}

/**
 * The cluster as its leader knows it. Errors of every call by their code: JOB_NOT_FOUND and TRIGGER_NOT_FOUND are answered 404,
 * JOB_ENDED, JOB_NOT_RUNNING and NOT_ENOUGH_SLOTS 409, JOB_SET_ASIDE 423, BAD_OPTION and BAD_JOB 400, NOT_LEADER, LEADERSHIP_LOST and whatever is retryable 503, anything
 * else 500.
 */
export interface ClusterGateway {
  readonly leadership: { readonly sessionId: string; readonly epoch: number };
  /** Durable before it resolves. The same job id again is the same job. `notes`: for who submits. */
  submit(submission: JobSubmission): Promise<{ readonly notes: readonly string[] }>;
  list(): Promise<readonly JobListEntry[]>;
  details(jobId: JobId): Promise<JobDetails>;
  /** Resolves when the intent is durable (R7); the job ends later. */
  cancel(jobId: JobId): Promise<void>;
  /** Resolves when it is certain to be tried; `snapshotStatus` tells how it ended. */
  stop(jobId: JobId, request: StopRequest): Promise<{ readonly triggerId: string }>;
  savepoint(jobId: JobId, request: SavepointRequest): Promise<{ readonly triggerId: string }>;
  checkpoint(jobId: JobId, request: SnapshotTrigger): Promise<{ readonly triggerId: string }>;
  /** Resolves when it is certain to be tried; `snapshotStatus` tells when the job has its new graph. */
  rescale(jobId: JobId, request: RescaleRequest): Promise<{ readonly triggerId: string }>;
  /** Of each vertex of a job that is loaded. */
  parallelism(jobId: JobId): Promise<readonly VertexParallelism[]>;
  snapshotStatus(jobId: JobId, triggerId: string): Promise<SnapshotStatus>;
  /** Tries a job again that is set aside; a job that is not is left alone. Resolves when it is loaded, or set aside again. */
  retry(jobId: JobId): Promise<void>;
  /** Resolves when it is deleted. */
  disposeSavepoint(path: string): Promise<void>;
  taskManagers(): Promise<readonly TaskManagerInfo[]>;
  /** Who stands by, and how warm. */
  standbys(): Promise<Standbys>;
  /** Tries all ports that processes of the cluster need of each other. */
  reachability(): Promise<Reachability>;
  /** As it is in force; secrets are masked where it is shown. */
  configuration(): Readonly<Record<string, string>>;
  /**
   * The processes are about to end: the leader leaves all jobs alone, so that no job takes that for a failure. It takes them up again
   * where it is not ended within two minutes.
   */
  suspend(): Promise<void>;
  /** Ends all processes of the cluster in order; jobs stay in the store. Resolves when that has begun. */
  shutDown(): Promise<void>;
}
