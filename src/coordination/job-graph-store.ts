import type { JobId } from '../foundation/common/ids.ts';
import type { JobEntry } from './job-entry.ts';

/** Names the files of a submitted job; they are durable before this is written (I3). */
export interface JobGraphPointer {
  /** Chosen by the client, so that a repeated submission is the same job. */
  readonly jobId: JobId;
  readonly jobName: string;
  readonly submittedMs: number;
  /** From 1, raised by each rescale. */
  readonly graphVersion: number;
  /** The job graph file. */
  readonly graphPath: string;
  /** Bundle files, the program first. */
  readonly bundlePaths: readonly string[];
  /** Unique for one attempt to write this pointer. */
  readonly writeId: string;
}

export type SubmissionOutcome =
  /** By this call, or by an earlier one with the same write id. */
  | { readonly outcome: 'added' }
  /** The job is there already; the files that the new pointer names are orphans. */
  | { readonly outcome: 'exists'; readonly pointer: JobGraphPointer }
  /** The job has a result: an ended job never runs again (I12). */
  | { readonly outcome: 'ended' };

export interface JobGraphStore {
  /** Ascending by job id; never stale. */
  all(): Promise<readonly JobEntry<JobGraphPointer>[]>;
  get(jobId: JobId): Promise<JobGraphPointer | undefined>;
  /** If absent; only then is a submission acknowledged. */
  add(pointer: JobGraphPointer): Promise<SubmissionOutcome>;
  /** The next graph version of a job that is there; JOB_ENDED when it is not. */
  replace(pointer: JobGraphPointer): Promise<void>;
}
