import type { CheckpointPointer } from '../../../coordination/completed-checkpoint-store.ts';
import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { JobMaster } from '../jobmaster/job-master.ts';
import type { JobMasterOptions, JobResult } from '../jobmaster/job-master-options.ts';

/** What the Dispatcher needs of a JobMaster. */
export type ManagedMaster = Pick<
  JobMaster,
  | 'result'
  | 'status'
  | 'overview'
  | 'start'
  | 'cancel'
  | 'suspend'
  | 'retire'
  | 'heldSlots'
  | 'stop'
  | 'triggerSavepoint'
  | 'triggerCheckpoint'
  | 'report'
  | 'metrics'
  | 'taskManagerReported'
  | 'taskManagerLost'
>;

/** What a JobMaster gets of the leadership that it works under. */
export type JobSurroundings = Pick<
  JobMasterOptions,
  | 'fence'
  | 'slots'
  | 'heldSlots'
  | 'locateSlot'
  | 'executors'
  | 'taskManagerAddress'
  | 'awaited'
  | 'records'
  | 'checkpoints'
  | 'checkpointIds'
  | 'persistResult'
  | 'isSetAside'
  | 'storeWentBack'
  | 'heard'
  | 'listener'
>;

export interface PreparedJob {
  /** Not started. */
  readonly master: ManagedMaster;
  /** What of it does not survive what, for people. */
  readonly notes: readonly string[];
  /** Where its savepoints go when nobody says where. */
  readonly savepointDirectory: string;
  /** The folder of its checkpoints, where they go with a job that ends so. */
  checkpointsToDelete(status: JobResult['status']): string | undefined;
  /** The JobMaster is over. */
  close(result: JobResult): Promise<void>;
}

/** What somebody wants of a job's parallelism. */
export interface RescaleTargets {
  /** Of the job: for operators whose code says none of their own. */
  readonly parallelism: number | undefined;
  /** By operator id, over that. */
  readonly operators: ReadonlyMap<string, number>;
}

/** A job drawn with another parallelism. */
export interface RescaledPlan {
  readonly graph: JobGraph;
  /** What the builder needs to draw it so again, in each process. */
  readonly configuration: Readonly<Record<string, string>>;
}

/** A job as the store has it, as a standby sees it. */
export interface AnticipatedJob {
  readonly pointer: JobGraphPointer;
  readonly checkpoints: readonly CheckpointPointer[];
}

/** Makes JobMasters of submitted jobs. User code does not run in it (R13). */
export interface JobStarter {
  /** Whether a job can run at all, before anything of it is kept; resolves with notes. Errors refuse the submission. */
  check(job: StoredJob): Promise<readonly string[]>;
  /** Errors set the job aside, or are tried again where something is away (R5). */
  prepare(job: StoredJob, surroundings: JobSurroundings): Promise<PreparedJob>;
  /** Errors: BAD_JOB, BAD_OPTION for what the job cannot be. */
  rescaled(job: StoredJob, targets: RescaleTargets): Promise<RescaledPlan>;
  /**
   * Reads the files that `prepare` and the JobMasters of these jobs will need, so that they need not; of other jobs nothing is
   * kept. Never rejects.
   */
  anticipate(jobs: readonly AnticipatedJob[]): Promise<void>;
}
