import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Downstream } from '../operators/operator.ts';
import type { SourcePlan } from '../graph/stream-graph.ts';

/**
 * The source contract, in two halves (R4). The *enumerator* lives with the JobManager and finds and hands out splits; a
 * *reader* lives in each source subtask and reads the splits it was given. Splits are plain data with a stable `id`; a
 * split in a reader's snapshot carries the position to go on from.
 */
export interface Split {
  /** Stable: the same data has the same id at each discovery. */
  readonly id: string;
}

export interface ReaderContext {
  readonly subtask: number;
  readonly parallelism: number;
  readonly operatorName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asks the enumerator for one more split; readers hold one in advance (R4). */
  requestSplit(): void;
  /** Tells the task that `read` has something again (after it returned `wait`). May come from async work. */
  wake(): void;
  /** Fails the task, for errors out of async work. */
  fail(error: unknown): void;
  /** What arguments after the job file gave, and the job's name. */
  readonly jobName: string;
}

/** `more`: call again. `wait`: nothing now, `wake` tells, or call again at `context`'s time. `end`: nothing ever again. */
export type ReadStatus = 'more' | 'wait' | 'end';

export interface SourceReader<T, S extends Split = Split> {
  open(): void | Promise<void>;
  /** At the start those of the snapshot, with positions; later those the enumerator assigned. */
  addSplits(splits: readonly S[]): void;
  /** The enumerator has no more: the reader ends when it has read what it holds. */
  noMoreSplits(): void;
  /**
   * Emits at most `limit` records, synchronously, and returns. With `{ waitMs }` it wants to be called again after that
   * time at the latest.
   */
  read(output: Downstream<T>, limit: number): ReadStatus | { readonly waitMs: number };
  /**
   * The splits that are not read to their end, each with the position after the last emitted record. Called between two
   * `read`s. Plain data that can travel.
   */
  snapshot(): readonly S[];
  /** The checkpoint is complete; a source that has to acknowledge upstream does it here. */
  checkpointCompleted?(checkpointId: number): void;
  close(): void | Promise<void>;
}

/** What `env.from(...)` takes; connectors make it. */
export interface Source<T> {
  readonly name: string;
  readonly behavior: SourceBehavior<T>;
  readonly plan: SourcePlan;
  /** The parallelism when the job does not say one (a sequence in order has 1); else the environment's. */
  readonly parallelism?: number;
  /** More subtasks than this make no sense, or would break the order. */
  readonly maxParallelism?: number;
}

/** What a source node's `behavior` is. */
export interface SourceBehavior<T = unknown> {
  createReader(context: ReaderContext): SourceReader<T, Split>;
  /**
   * The source's own enumerator; its plan then says `enumerator: OWN_ENUMERATOR`. It runs in a worker thread of its job
   * beside the JobManager (R13), so that nothing it does reaches another job.
   */
  readonly enumerator?: EnumeratorFactory;
  /** Shown once at submission, such as "source without positions: ...". */
  readonly warning?: string;
}

/** `SourcePlan.enumerator` of a source that brings its enumerator along (`SourceBehavior.enumerator`). */
export const OWN_ENUMERATOR = 'own';

/** How an enumerator answers; each method returns what to send, nothing is sent behind the coordinator's back. */
export interface EnumeratorDecision {
  readonly assign?: readonly { readonly subtask: number; readonly splits: readonly Split[] }[];
  /** Readers that get nothing any more. */
  readonly noMoreSplits?: readonly number[];
}

/**
 * A decision core: no I/O inside; discovery is done by `discover`, whose result comes back through `discovered`.
 * State is plain data, taken in the same step as the trigger (R4).
 */
export interface SplitEnumerator {
  /** Discovery is repeated that long after the last one ended; without it, it runs once. */
  readonly discoverEveryMs?: number | undefined;
  /** I/O: finds splits. Called at the start (not after a restore of one whose discovery was complete). */
  discover?(): Promise<readonly Split[]>;
  discovered(splits: readonly Split[]): EnumeratorDecision;
  /** A reader is there; after a restore with the splits it already holds. */
  readerRegistered(subtask: number, held: readonly Split[]): EnumeratorDecision;
  splitRequested(subtask: number): EnumeratorDecision;
  /**
   * These were handed out after the snapshot that this enumerator was made from, and their readers go on with them: they
   * are not to be handed out again. Comes before anything is asked, when another JobManager leads now (R4).
   */
  splitsAssigned(splits: readonly Split[]): void;
  /** Splits of a reader that failed come back. */
  splitsReturned(splits: readonly Split[]): EnumeratorDecision;
  /** These readers have read all that they will ever get, and ended: what is assigned to one of them is an error. */
  readersEnded?(subtasks: readonly number[]): void;
  snapshot(): unknown;
  /** A checkpoint that has this enumerator's snapshot is complete. */
  checkpointCompleted?(checkpointId: number): void;
  /** The job ends, or another enumerator takes its place. Not called when its thread is ended by force. */
  close?(): void | Promise<void>;
}

/** Registered by name (`SourcePlan.enumerator`). `state` is that of the restored checkpoint. */
export interface EnumeratorFactory {
  readonly kind: string;
  create(config: unknown, parallelism: number, state: unknown): SplitEnumerator;
}
