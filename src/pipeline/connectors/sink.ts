import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';

/**
 * The sink contract under R3. A *writer* in each sink subtask writes records into a transaction that nobody sees,
 * `prepare` ends that transaction so that it survives the process, and what was prepared is committed when a completed
 * checkpoint lists it. `P` is what names a prepared transaction: plain data that travels in the checkpoint.
 */
export interface SinkWriterContext {
  readonly jobId: string;
  /** The job whose snapshot this one restored and owns: it is gone, so what it prepared is this job's to remove. */
  readonly claimedJobId?: string | undefined;
  readonly jobName: string;
  /** Stable over restarts and rescaling: the operator's id. */
  readonly sinkId: string;
  readonly operatorName: string;
  readonly subtask: number;
  readonly parallelism: number;
  /** `epoch.number`; part of each transaction's name, so that no name is used twice. */
  readonly generation: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Without checkpoints `prepare` and `commit` are called in an interval and at the end. */
  readonly checkpointing: boolean;
  /** Hands something to whoever runs the job: `stdout` for a line, else the name of a collecting sink. */
  toClient(channel: string, payload: unknown): void;
  /** Fails the task, for errors out of async work. */
  fail(error: unknown): void;
}

/** One transaction that a snapshot lists. */
export interface Prepared<P> {
  /** `<job id>-<sink id>-<subtask>-<generation>-<counter>`; unique for ever. */
  readonly name: string;
  readonly value: P;
}

/**
 * What a sink learns at the start of each attempt, once what the restored checkpoint lists is committed. It is asked in
 * every subtask; together the scopes of all subtasks cover whatever earlier generations of this job and sink made, and
 * that of one subtask never covers what a subtask that goes on in another region holds.
 */
export interface AbortScope<P = unknown> {
  readonly jobId: string;
  readonly sinkId: string;
  /** The generation that starts. */
  readonly generation: string;
  /** What the restored checkpoint lists, of all subtasks; none of it may be touched. */
  readonly kept: readonly Prepared<P>[];
  isKept(name: string): boolean;
  /** Whether a transaction of that name has to go. */
  covers(name: string): boolean;
  /** Whether an earlier generation made what has such a name; for things that are named like transactions but are none. */
  isEarlier(name: string): boolean;
}

export interface SinkWriter<T, P> {
  /** How many promises of `write` may be pending; 64 when missing. Later records wait, in order. */
  readonly maxInFlight?: number;
  open?(): void | Promise<void>;
  /** A promise is awaited before the next checkpoint; at most `maxInFlight` are pending. */
  readonly write: (value: T, timestamp: number) => void | Promise<void>;
  /** No record comes any more: what the next `prepare` leaves open is never finished. */
  endInput?(): void | Promise<void>;
  /** Ends the current transaction; `undefined` when nothing was written. `name` is the new transaction's. */
  prepare(name: string, checkpointId: number): P | undefined | Promise<P | undefined>;
  /** Idempotent: it may be called again after a crash. */
  commit(prepared: Prepared<P>): void | Promise<void>;
  /** Rolls back what no checkpoint lists (R3). */
  abort?(scope: AbortScope<P>): void | Promise<void>;
  /** State of the writer itself, given to `restore` of the writers of the next generation (all of them, as a union). */
  snapshotState?(): unknown;
  /** Before `open`; not called where nothing was restored. */
  restoreState?(states: readonly unknown[]): void;
  close?(): void | Promise<void>;
}

/** What `stream.to(...)` takes; connectors make it. */
export interface Sink<T> {
  readonly name: string;
  /** A product name in messages, such as `file` or `print`. */
  readonly kind: string;
  readonly behavior: SinkBehavior<T, unknown>;
  readonly parallelism?: number;
}

/** How a sink operator creates its writer. */
export interface SinkBehavior<T = unknown, P = unknown> {
  createWriter(context: SinkWriterContext): SinkWriter<T, P>;
  /** Whether records written twice do harm: an older checkpoint may be taken silently only if not (R5). */
  readonly bearsRepeats: boolean;
}
