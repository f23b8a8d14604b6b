import type { ErrorInfo } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';

/** One of a list with one entry for each job. What cannot be read is the problem of that job alone (I7). */
export type JobEntry<T> =
  | { readonly kind: 'read'; readonly jobId: JobId; readonly value: T; readonly version: number }
  | { readonly kind: 'broken'; readonly jobId: JobId; readonly error: ErrorInfo };
