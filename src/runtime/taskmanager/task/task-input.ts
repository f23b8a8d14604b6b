import type { BarrierEvent } from '../../network/stream-element.ts';
import type { TaskSignal } from './task-signal.ts';

/** Where the records of a task come from: a source reader, or the channels of an input gate. */
export interface TaskInput {
  /** Splits that a restored state holds are given before. Does no more than it has to when `goesOn` says that it is over. */
  open(goesOn: () => boolean): Promise<void>;
  /** Processes one batch or event; false when there is nothing to do now. */
  step(): boolean;
  command(command: TaskSignal): void;
  /** Puts the input's own state (splits) where the snapshot takes it from. */
  snapshot(): void;
  checkpointCompleted(checkpointId: number): void;
  readonly recordsIn: number;
  readonly isSource: boolean;
  close(): Promise<void>;
}

/** What an input asks of its task. */
export interface TaskInputOwner {
  wake(): void;
  /** Comes back to the input, in turn with whatever else reaches the task. */
  command(command: TaskSignal): void;
  fail(error: unknown): void;
  /** Every record before the barrier is processed: take part. */
  performCheckpoint(barrier: BarrierEvent, alignedSinceMs: number): void;
  /** The checkpoint was given up here: tell the tasks behind. */
  cancelCheckpoint(checkpointId: number): void;
  /** No record will come any more. */
  endOfData(): void;
  processWatermark(watermark: number): void;
  processIdle(idle: boolean): void;
}
