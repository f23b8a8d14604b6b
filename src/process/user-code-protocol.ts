import type { ErrorInfo } from '../foundation/common/errors.ts';
import type { LogLevel } from '../foundation/common/logger.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import type { EnumeratorAnswer, EnumeratorCall } from '../runtime/jobmanager/split-coordination/enumerator-messages.ts';

/** What the thread of a job's user code knows at its start. */
export interface UserCodeSettings {
  readonly program: JobProgram;
  /** As submitted: what the thread builds has to be the same. */
  readonly graph: JobGraph;
  /** Counts the `console` reports that were taken (one 32-bit integer, which wraps). */
  readonly consoleTaken: SharedArrayBuffer;
}

/** In order. */
export type UserCodeCommand =
  | { readonly kind: 'call'; readonly call: EnumeratorCall }
  | { readonly kind: 'collect' }
  | { readonly kind: 'close' };

export type UserCodeReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly answer: EnumeratorAnswer }
  | { readonly kind: 'console'; readonly level: LogLevel; readonly source: string; readonly text: string }
  /** The job cannot be loaded, or code outside any call threw: the thread is of no use any more. */
  | { readonly kind: 'crashed'; readonly error: ErrorInfo }
  | { readonly kind: 'collected'; readonly heapUsedBytes: number; readonly arrayBufferBytes: number }
  | { readonly kind: 'closed' };
