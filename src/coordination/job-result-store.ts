import type { JobId } from '../foundation/common/ids.ts';
import type { JobEntry } from './job-entry.ts';

/** How a job ended; the file that it names has the rest. */
export interface JobResultPointer {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED';
  /** When it was submitted. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** The result file, durable before this is written (I3). */
  readonly resultPath: string;
  /** `true`: the job has ended, what it leaves is not removed yet (R9). */
  readonly isDirty: boolean;
}

/** What is not in here has not ended (R9). */
export interface JobResultStore {
  /** Ascending by job id. */
  all(): Promise<readonly JobEntry<JobResultPointer>[]>;
  get(jobId: JobId): Promise<JobResultPointer | undefined>;
  /**
   * Writes the result as dirty if the job has none. The first result of a job is the one that counts: when there is one it is
   * returned and nothing is changed.
   */
  createDirty(pointer: Omit<JobResultPointer, 'isDirty'>): Promise<JobResultPointer>;
  /** When nothing of the job is left but its result. */
  markClean(jobId: JobId): Promise<void>;
  /** Forgets an ended job that is clean; a missing one is no error. */
  remove(jobId: JobId): Promise<void>;
}
