/** A job that can be reached. */
export interface JobSummary {
  readonly jobId: string;
  readonly jobName: string;
  readonly status: string;
  readonly startedMs: number;
  /** Where it runs, for people. */
  readonly place: string;
  /** What it waits for, such as slots. */
  readonly waiting?: string;
  /** It is listed, and cannot be commanded any more. */
  readonly hasEnded?: boolean;
}

export interface CancelResult {
  /** How the job ended: it may have finished or failed on its own just before. */
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED';
  /** The newest checkpoint, where it is kept. */
  readonly retainedCheckpoint?: string | undefined;
}

/**
 * Running jobs as the commands see them, wherever they run. A job is named by its id or by the beginning of it. Errors:
 * BAD_OPTION when no job, or more than one, has such a name; what the job itself answers.
 */
export interface JobControl {
  list(): Promise<readonly JobSummary[]>;
  /** Resolves when the job has ended. */
  cancel(job: string): Promise<CancelResult>;
  /** Takes a savepoint, commits it and ends the job; with `drain` its input ends first. Resolves to the savepoint. */
  stop(job: string, options: { readonly folder?: string | undefined; readonly drain: boolean }): Promise<string>;
  /** Takes a savepoint; the job goes on. `folder`: of the savepoints, the configured one when missing. */
  savepoint(job: string, folder?: string): Promise<string>;
  checkpoint(job: string): Promise<string>;
  /** Tries a job again that is set aside. Errors: JOB_SET_ASIDE when it is so again, with the reason. */
  retry(job: string): Promise<void>;
  /** Deletes a savepoint: its folder or its `_metadata`. */
  dispose(path: string): Promise<void>;
}
