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

/** What is asked of the parallelism of a job. */
export interface RescaleOrder {
  /** Of the job: of operators whose code says none of their own. */
  readonly parallelism: number | undefined;
  /** By name or id of the vertex. */
  readonly vertices: ReadonlyMap<string, number>;
  /** Not waited for: resolves when it is certain to be tried. */
  readonly isDetached: boolean;
}

/** Vertices with how many subtasks they have. */
export type Parallelisms = readonly { readonly id: string; readonly name: string; readonly parallelism: number }[];

export interface RescaleResult {
  readonly before: Parallelisms;
  /** `undefined`: it was not waited for. */
  readonly after: Parallelisms | undefined;
  /** Of the job: it may have ended meanwhile. */
  readonly status: string;
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
  /** Resolves when all tasks run with it. */
  rescale(job: string, order: RescaleOrder): Promise<RescaleResult>;
  /**
   * Tries a job again that is set aside. Resolves to the state of one that is not: nothing is done then. Errors: JOB_SET_ASIDE when it is so
   * again, with the reason.
   */
  retry(job: string): Promise<string | undefined>;
  /** Deletes a savepoint: its folder or its `_metadata`. */
  dispose(path: string): Promise<void>;
}
