/** What a TaskManager tells whoever looks after the copies of state of all its jobs. Nothing of it fails. */
export interface LocalStateCare {
  /**
   * A checkpoint of the job is complete. `here` are the folders of the subtasks that run, or have finished, in this
   * TaskManager; others may have moved away.
   */
  completed(job: string, checkpointId: number, here: () => ReadonlySet<string>): void;
  /** The job has ended; `undefined`: all have. Once `threadsEnded` settles nothing of it is written any more. */
  released(job: string | undefined, threadsEnded: Promise<unknown>): void;
}
