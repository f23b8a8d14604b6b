import type { RescaleRequest, VertexParallelism } from '../../protocol/rescale-request.ts';
import type { Reachability } from '../../protocol/reachability.ts';
import type { Standbys } from '../../protocol/standbys.ts';
import type {
  SavepointRequest,
  SnapshotStatus,
  SnapshotTrigger,
  StopRequest,
} from '../../protocol/snapshot-requests.ts';
import type { JobIntent } from '../../../coordination/job-record-store.ts';
import type { LeaderInformation } from '../../../coordination/leadership.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { JobOverview } from '../jobmaster/job-master-options.ts';
import type { JobStatus } from '../jobmaster/job-status.ts';
import type { SlotPoolOverview, WaitingJob } from '../resource-manager/slot-pool.ts';

/** An orderly stop of all processes takes less. */
export const SUSPENSION_MS = 120_000;

/** A job as the client planned it. */
export interface JobSubmission {
  /** Chosen by the client, so that a repeated submission is the same job (R7). */
  readonly jobId: JobId;
  readonly graph: JobGraph;
  /** The ES module that every process of the job imports. */
  readonly bundle: Uint8Array;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What shaped the graph: given to the builder again, in each task. */
  readonly configuration: Readonly<Record<string, string>>;
}

export interface SubmissionAnswer {
  readonly jobId: JobId;
  /** `exists`: an earlier submission of the same job id was accepted. */
  readonly outcome: 'accepted' | 'exists';
  /** Said to whoever submits: where checkpoints go, what it starts from, warnings. */
  readonly notes: readonly string[];
}

/** Of a job that the cluster has: `SET_ASIDE`, it cannot be loaded; its tasks, if there are any, go on (R5). */
export type JobState = JobStatus | 'SET_ASIDE';

export interface JobSummary {
  readonly jobId: JobId;
  readonly name: string;
  readonly state: JobState;
  readonly submittedMs: number | undefined;
  /** Of a job that has ended. */
  readonly endedMs: number | undefined;
  readonly tasks: { readonly total: number; readonly running: number };
  /** It waits for slots. */
  readonly waiting: WaitingJob | undefined;
  /** Why it is set aside. */
  readonly setAside: ErrorInfo | undefined;
}

export interface JobDetails extends JobSummary {
  /** What was asked of it and is not done yet (R7). */
  readonly intent: JobIntent['kind'];
  /** What of it does not survive what, for people; empty while it is not loaded. */
  readonly notes: readonly string[];
  /** Tasks, checkpoints, failures; `undefined` while it is not loaded, and after its end. */
  readonly overview: JobOverview | undefined;
  /** Why it is set aside, or why it FAILED. */
  readonly error: ErrorInfo | undefined;
  /** The savepoint that a stop ended with. */
  readonly savepoint: string | undefined;
  readonly restarts: number;
}

export interface ClusterOverview {
  readonly leader: LeaderInformation | undefined;
  readonly slots: SlotPoolOverview;
  readonly jobs: readonly JobSummary[];
}

/**
 * What clients ask of a cluster, the same on every JobManager. Errors of all: NOT_LEADER (retryable; the message and `leader` name
 * who does lead), JOB_NOT_FOUND, JOB_ENDED, JOB_SET_ASIDE.
 */
export interface ClusterGateway {
  /** Who leads, as this process knows. */
  readonly leader: LeaderInformation | undefined;
  readonly isLeading: boolean;
  /**
   * Answered when the job is durable: it will run, whoever dies (I12). Errors: BAD_JOB, BAD_OPTION, those of what it starts from;
   * JOB_ENDED for the id of a job that has ended.
   */
  submit(submission: JobSubmission): Promise<SubmissionAnswer>;
  /** Those that ended too. */
  list(): Promise<readonly JobSummary[]>;
  details(jobId: JobId): Promise<JobDetails>;
  /** Answered when it is certain to happen; a job that has ended or is being cancelled is no error. */
  cancel(jobId: JobId): Promise<void>;
  /** Answered when it is certain to be tried; `snapshotStatus` tells how it ended, under a later leader too. */
  stop(jobId: JobId, request: StopRequest): Promise<{ readonly triggerId: string }>;
  /** Forgotten by a takeover: then `snapshotStatus` answers TRIGGER_NOT_FOUND, and it is asked for again. */
  savepoint(jobId: JobId, request: SavepointRequest): Promise<{ readonly triggerId: string }>;
  checkpoint(jobId: JobId, request: SnapshotTrigger): Promise<{ readonly triggerId: string }>;
  /**
   * Answered when it is certain to be tried; `snapshotStatus` tells when the job has its new graph. Errors: BAD_OPTION, BAD_JOB,
   * JOB_NOT_RUNNING, NOT_ENOUGH_SLOTS: nothing is touched.
   */
  rescale(jobId: JobId, request: RescaleRequest): Promise<{ readonly triggerId: string }>;
  parallelism(jobId: JobId): Promise<readonly VertexParallelism[]>;
  snapshotStatus(jobId: JobId, triggerId: string): Promise<SnapshotStatus>;
  /** Errors: those of reading it; BAD_OPTION when it is no savepoint. */
  disposeSavepoint(path: string): Promise<void>;
  /** Tries a job again that is set aside; a job that is not is left alone. Resolves when it is loaded, or is set aside again. */
  retry(jobId: JobId): Promise<void>;
  overview(): Promise<ClusterOverview>;
  /** Who stands by, and how warm. */
  standbys(): Promise<Standbys>;
  /** Tries all ports that processes of the cluster need of each other, from each that it can ask. */
  reachability(): Promise<Reachability>;
  /**
   * All processes are about to end: this leader leaves its jobs alone. Whoever leads next goes on with them; this one, where it still
   * leads after `SUSPENSION_MS`.
   */
  suspend(): Promise<void>;
}
