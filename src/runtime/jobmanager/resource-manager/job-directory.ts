import type { JobId } from '../../../foundation/common/ids.ts';
import type { JobMaster } from '../jobmaster/job-master.ts';

/** What a JobMaster hears of its tasks. */
export type TaskListener = Pick<JobMaster, 'report' | 'metrics' | 'taskManagerReported' | 'taskManagerLost'>;

/** The jobs of this leadership. */
export interface JobDirectory {
  /** `undefined`: not loaded, or not there. */
  find(jobId: JobId): TaskListener | undefined;
  loaded(): readonly TaskListener[];
  /** The store has it: what runs of it is left alone until it is loaded (R11). */
  isKnown(jobId: JobId): boolean;
  /** The store has its result. */
  hasEnded(jobId: JobId): boolean;
}
