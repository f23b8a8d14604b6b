import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { EnumeratorAnswer, EnumeratorCall } from './enumerator-messages.ts';

/** A thread that runs what a job's user code does on the JobManager (R13). */
export interface UserCodeThread {
  send(call: EnumeratorCall): void;
  /** Ends it as it should: enumerators are closed. Later answers are dropped; never rejects. */
  close(): Promise<void>;
  /** Ends it whatever it does. Later answers are dropped. */
  terminate(): Promise<void>;
}

export interface UserCodeEvents {
  /** The job's module is loaded, and its graph is the one that was submitted. */
  ready(): void;
  answered(answer: EnumeratorAnswer): void;
  /** It ended without being told to, or cannot load the job; nothing of it runs any more. */
  died(error: ErrorInfo): void;
}

export type StartUserCode = (events: UserCodeEvents) => UserCodeThread;

export interface UserCodeOptions {
  readonly start: StartUserCode;
  /** `jobmanager.user-code.timeout`; Infinity where a debugger may stop the code. */
  readonly timeoutMs: number;
}
