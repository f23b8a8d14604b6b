import type { Clock } from '../../../foundation/common/clock.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Exchange } from '../../network/exchange.ts';
import type { BarrierEvent } from '../../network/stream-element.ts';
import type { TaskReport } from '../../protocol/task-commands.ts';
import type { DiscardableTarget } from '../../checkpoint/checkpoint-target.ts';
import type { CountingReader } from '../local-state/local-first-reader.ts';
import type { SubtaskCopies } from '../local-state/subtask-copies.ts';
import type { Task } from './task.ts';

export interface TargetOptions {
  /** Begins the names of the files. */
  readonly tag: string;
  /** Of the files on this machine, where those are kept. */
  readonly copies: SubtaskCopies | undefined;
  /** Of the job; missing: of the thread. */
  readonly inlineThresholdBytes: number | undefined;
}

/** What the thread gives its tasks: every effect of a task goes through here. */
export interface TaskEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly exchange: Exchange;
  report(report: TaskReport): void;
  /** The task failed; the report of it comes when its parts are closed. */
  failing(attempt: AttemptId): void;
  toClient(jobId: string, channel: string, payload: unknown): void;
  /** Whoever takes what goes to the client has not kept up: tasks that send him something wait. */
  isClientBehind(): boolean;
  /** Resolves after the thread has given the tasks a turn. */
  pause(): Promise<void>;
  openTarget(barrier: BarrierEvent, options: TargetOptions): DiscardableTarget;
  openReader(baseFolder: string, copies?: SubtaskCopies): CountingReader;
  /** `execution.buffer-timeout.interval`; -1: only full batches are sent. */
  readonly bufferTimeoutMs: number;
  /** Bytes of one batch at most; less where a task has very many channels. */
  readonly batchBytes: number;
  /** Batches under way in one channel. */
  readonly channelCredit: number;
  /** Batches more for the channels of a task that come from other processes, all of them together. */
  readonly floatingCredit: number;
  /** The code that `run` calls belongs to this operator, for lines of `console.log`. */
  runAs<R>(task: Task, owner: { readonly operatorName: string }, run: () => R): R;
}
