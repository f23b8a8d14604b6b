import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
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
  | 'locateSlot'
  | 'executors'
  | 'records'
  | 'checkpoints'
  | 'checkpointIds'
  | 'persistResult'
  | 'isSetAside'
  | 'listener'
>;

export interface PreparedJob {
  /** Not started. */
  readonly master: ManagedMaster;
  /** Where its savepoints go when nobody says where. */
  readonly savepointDirectory: string;
  /** The folder of its checkpoints, where they go with a job that ends so. */
  checkpointsToDelete(status: JobResult['status']): string | undefined;
  /** The JobMaster is over. */
  close(result: JobResult): Promise<void>;
}

/** Makes JobMasters of submitted jobs. User code does not run in it (R13). */
export interface JobStarter {
  /** Whether a job can run at all, before anything of it is kept; resolves with notes. Errors refuse the submission. */
  check(job: StoredJob): Promise<readonly string[]>;
  /** Errors set the job aside, or are tried again where something is away (R5). */
  prepare(job: StoredJob, surroundings: JobSurroundings): Promise<PreparedJob>;
}
