import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { OperatorId } from '../../foundation/common/ids.ts';
import type { KeyedStateBackend, OperatorStateStore } from '../../runtime/state/keyed-state.ts';

/** The timestamp of a record that has none. */
export const NO_TIMESTAMP = Number.NEGATIVE_INFINITY;
/** The watermark before the first one. */
export const MIN_WATERMARK = Number.NEGATIVE_INFINITY;
/** The watermark of an input that ended: nothing comes after it. */
export const MAX_WATERMARK = Number.POSITIVE_INFINITY;

/** What an operator pushes into: the next operator of the chain, a fan-out, or the writer of an exchange. */
export interface Downstream<T> {
  process(value: T, timestamp: number): void;
  processWatermark(watermark: number): void;
  /** An idle input does not hold the watermark of the others back. */
  processIdle(idle: boolean): void;
}

/** What the task gives each of its operators. */
export interface OperatorContext {
  readonly operatorId: OperatorId;
  /** For messages: `name` of the node. */
  readonly operatorName: string;
  readonly jobId: string;
  readonly jobName: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** `epoch.number` of the generation (R1): names of transactions carry it. */
  readonly generation: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the job takes checkpoints; without them sinks commit now and then. */
  readonly checkpointing: boolean;
  /** Whether state was restored; `restoredCheckpointId` is then the checkpoint's. */
  readonly restoredCheckpointId: number | undefined;
  /** The job whose snapshot this one restored and owns: what its sinks left is rolled back with what this job left. */
  readonly claimedJobId?: string | undefined;
  /** The keyed state of this operator, made at the first use. */
  keyedState(): KeyedStateBackend;
  readonly operatorState: OperatorStateStore;
  sideOutput(tag: string): Downstream<unknown>;
  /** Runs in the task's mailbox at that time (processing time); not state, gone after a restore. */
  schedule(atMs: number, run: () => void): void;
  /** Runs `run` in the task's mailbox as soon as possible; for the completion of async work. */
  enqueue(run: () => void): void;
  /** Hands something to whoever runs the job: `stdout` for a line, else the name of a collecting sink. */
  toClient(channel: string, payload: unknown): void;
  /** Fails the task. For errors out of async work; synchronous code throws. */
  fail(error: unknown): void;
}

/**
 * One operator of a chain, in one subtask. Everything runs on the task's thread, one call at a time.
 *
 * Order: `setup`, state restored, `open`; then `process`, `processWatermark` and timers; at each checkpoint
 * `prepareSnapshot` (may emit, may be async: the task waits), the barrier goes on, `snapshot` (synchronous: puts what
 * it has into state); `checkpointCompleted` later. At the end of all input `endInput`; `close` always.
 */
export abstract class Operator<In = unknown, Out = unknown> implements Downstream<In> {
  protected context!: OperatorContext;
  protected next!: Downstream<Out>;

  setup(context: OperatorContext, next: Downstream<Out>): void {
    this.context = context;
    this.next = next;
  }

  open(): void | Promise<void> {}

  abstract process(value: In, timestamp: number): void;

  processWatermark(watermark: number): void {
    this.next.processWatermark(watermark);
  }

  processIdle(idle: boolean): void {
    this.next.processIdle(idle);
  }

  /** Counts that the task reports beside its own, by Flink's metric names, such as `numLateRecordsDropped`. */
  counters(): Readonly<Record<string, number>> {
    return {};
  }

  /** False while the operator wants no further batch (async work in flight); it calls `context.enqueue` when it changed. */
  isAvailable(): boolean {
    return true;
  }

  endInput(): void | Promise<void> {}

  prepareSnapshot(_checkpointId: number): void | Promise<void> {}

  snapshot(_checkpointId: number): void {}

  /** The checkpoint is complete (I4): sinks commit. The task waits for the promise before it finishes. */
  checkpointCompleted(_checkpointId: number): void | Promise<void> {}

  close(): void | Promise<void> {}
}

/** What a node's `behavior` is for every node that is not a source: creates the operator for one subtask. */
export interface OperatorBehavior {
  createOperator(): Operator<never, unknown>;
}
