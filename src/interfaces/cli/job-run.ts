import type { Configuration } from '../../foundation/config/configuration.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { JobBundle } from './bundle/bundle-job.ts';
import type { JobProgress } from './progress.ts';

/** A job to start, as the command line says it. */
export interface RunRequest {
  readonly bundle: JobBundle;
  /** What stands after the job file. */
  readonly args: readonly string[];
  /** Values of `--env NAME`; none when missing. */
  readonly env?: Readonly<Record<string, string>>;
  readonly configuration: Configuration;
  /** Runs tasks in the main thread, for a debugger. */
  readonly inline: boolean;
  /** Whether commands in other processes of the user (`millrace list`, `cancel`, ...) reach the job. */
  readonly isControllable?: boolean;
  /** 32 hex digits; drawn when missing. */
  readonly jobId?: string;
}

export interface RunEvents {
  /** A line of a `print()` sink. A promise: nothing more is wanted until it settles. */
  printed(line: string): void | Promise<void>;
  /** What user code wrote to the console, one line or more; `source` is `job operator (subtask/parallelism)`. */
  console(level: 'debug' | 'info' | 'warn' | 'error', source: string, text: string): void | Promise<void>;
  /** `error`: what the line is about, for the place in the user's code. */
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, error?: ErrorInfo): void;
  /** Rows of a `collect(name)` sink, once for each transaction. */
  collected?(name: string, payload: unknown): void;
  checkpointCompleted?(metadataPath: string): void;
  /** A task cannot be ended, whatever is tried, and so the job cannot: it goes on, or ends, after the end of the process. */
  stuck?(message: string): void;
}

export interface RunOutcome {
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED';
  readonly error?: ErrorInfo;
  readonly durationMs: number;
  /** Whether checkpoints are left is not known: without `retainedCheckpoint` nothing is said of them. */
  readonly isRetentionUnknown?: true;
  /** The newest completed checkpoint that is still there. */
  readonly retainedCheckpoint?: string;
  /** Where a stop put its savepoint. */
  readonly savepoint?: string;
}

/** A job that runs on the embedded cluster. */
export interface JobRun {
  readonly jobId: string;
  readonly jobName: string;
  /** Said once at the start: where checkpoints go, what was restored, warnings of the job. */
  readonly notes: readonly string[];
  /** Follows the job no more, which goes on: what an interrupt of the command does. Without it an interrupt cancels the job. */
  readonly detach?: (() => void) | undefined;
  readonly outcome: Promise<RunOutcome>;
  progress(): JobProgress;
  cancel(): void;
  /** Takes a savepoint and goes on; resolves to its path. */
  savepoint(folder?: string): Promise<string>;
  /** Takes a savepoint, commits, ends; with `drain` all windows fire first. Resolves to the savepoint's path. */
  stop(options: { readonly folder?: string; readonly drain: boolean }): Promise<string>;
  /** Takes a checkpoint now; resolves to its path. */
  checkpoint(): Promise<string>;
}

/** Given by the process: the command line itself knows no JobManager. */
export type StartRun = (request: RunRequest, events: RunEvents) => Promise<JobRun>;
