import type { TimerHandle } from '../../../foundation/common/clock.ts';
import { errorInfo, messageOf } from '../../../foundation/common/errors.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import { RingQueue } from '../../../foundation/common/ring-queue.ts';
import { MAX_WATERMARK } from '../../../pipeline/operators/operator.ts';
import type { BarrierEvent } from '../../network/stream-element.ts';
import type { TaskCommand, TaskMetrics, TaskState as ReportedState } from '../../protocol/task-commands.ts';
import type { TaskEnvironment } from './task-environment.ts';
import type { TaskInputOwner } from './task-input.ts';
import { TaskSnapshots } from './task-snapshots.ts';
import { TaskTiming } from './task-timing.ts';
import type { TaskParts } from './task-parts.ts';

export interface TaskOptions {
  readonly attempt: AttemptId;
  /** Vertex name and subtask, for messages: `map (2/4)`. */
  readonly title: string;
  readonly checkpointing: boolean;
  readonly environment: TaskEnvironment;
  readonly build: (task: Task) => Promise<TaskParts>;
  /** The task has something to do. */
  readonly onReady: (task: Task) => void;
  readonly onDone: (task: Task) => void;
}

/** `more`: call again soon; `waiting`: `onReady` tells. `blocked` is waiting for credit or for an operator. */
export type SliceResult = 'more' | 'idle' | 'blocked';

/**
 * `ended`: all input is read, the checkpoint that covers the end is awaited (R11). `finishing` and `done`: it takes part
 * in nothing any more.
 */
type Phase = 'initializing' | 'running' | 'ended' | 'finishing' | 'done';

const QUEUE_LIMIT = 10_000_000;

/**
 * One subtask as a mailbox: batches, timers, barriers and commands are taken one at a time on one thread. While the task
 * waits for a promise of an operator it takes nothing that could come between (see `#suspension`).
 */
export class Task implements TaskInputOwner {
  readonly attempt: AttemptId;
  readonly title: string;
  readonly #options: TaskOptions;
  readonly #environment: TaskEnvironment;
  readonly #actions = new RingQueue<() => void>(QUEUE_LIMIT);
  readonly #commands = new RingQueue<TaskCommand>(QUEUE_LIMIT);
  readonly #snapshots: TaskSnapshots;
  #parts: TaskParts | undefined;
  #phase: Phase = 'initializing';
  /**
   * What is awaited. `checkpoint`: nothing else may run, or what it emits would come between the barrier and the
   * snapshot. `end`: operators go on emitting what they hold back.
   */
  #suspension: 'checkpoint' | 'end' | undefined;
  #deferred: (() => void)[] = [];
  /** A stop with savepoint froze the task: nothing is emitted behind its barrier. */
  #frozenBy: number | undefined;
  /** Checkpoints that cover the task's end; several, as one may be given up after the next one's barrier came. */
  readonly #finalIds = new Set<number>();
  #commits: Promise<void> = Promise.resolve();
  #flushTimer: TimerHandle | undefined;
  /** Whether the task is in the thread's queue of ready tasks. */
  isQueued = false;
  readonly #timing: TaskTiming;

  constructor(options: TaskOptions) {
    this.attempt = options.attempt;
    this.title = options.title;
    this.#options = options;
    this.#environment = options.environment;
    this.#timing = new TaskTiming(options.environment.clock.monotonic());
    this.#snapshots = new TaskSnapshots(options.attempt, options.environment);
  }

  get isDone(): boolean {
    return this.#phase === 'done' || this.#phase === 'finishing';
  }

  /** Builds, restores and opens the task, then lets it run. */
  async start(): Promise<void> {
    try {
      this.#report('INITIALIZING');
      const parts = await this.#options.build(this);
      if (this.isDone) {
        await this.#closeParts(parts);
        return;
      }
      this.#parts = parts;
      await parts.chain.open();
      if (parts.commitOnly) {
        // Its end was covered by the restored checkpoint; opening the sinks committed what that lists (R3, R11).
        this.#end('FINISHED');
        return;
      }
      await parts.input.open();
      if (!this.isDone) {
        this.#phase = 'running';
        this.#report('RUNNING');
        this.wake();
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  wake(): void {
    this.#options.onReady(this);
  }

  command(command: TaskCommand): void {
    if (this.isDone) {
      return;
    }
    if (command.kind === 'cancel') {
      this.#end('CANCELED');
      return;
    }
    this.#commands.push(command);
    this.wake();
  }

  /** Runs in the mailbox: completions of async work, timers. */
  enqueue(run: () => void): void {
    if (!this.isDone) {
      this.#actions.push(run);
      this.wake();
    }
  }

  /** Works until there is nothing to do or the deadline (monotonic) is over. */
  runSlice(deadlineMs: number): SliceResult {
    if (this.isDone || this.#phase === 'initializing') {
      return 'idle';
    }
    this.#timing.begin(this.#environment.clock.monotonic());
    let result: SliceResult = 'more';
    try {
      result = this.#work(deadlineMs);
      this.#flushOutputs();
    } catch (thrown) {
      this.fail(thrown);
      result = 'idle';
    }
    this.#timing.end(this.#environment.clock.monotonic(), result);
    return result;
  }

  fail(error: unknown): void {
    if (!this.isDone) {
      this.#end('FAILED', errorInfo(error));
    }
  }

  performCheckpoint(barrier: BarrierEvent, alignedSinceMs: number): void {
    if (this.#suspension !== undefined) {
      this.#deferred.push(() => this.performCheckpoint(barrier, alignedSinceMs));
      return;
    }
    const startedMs = this.#environment.clock.monotonic();
    const alignmentMs = startedMs - alignedSinceMs;
    const { chain } = this.#parts!;
    const waiting = chain.prepareSnapshot(barrier.checkpointId);
    if (waiting === undefined) {
      this.#takeSnapshot(barrier, alignmentMs, startedMs);
    } else {
      this.#suspend('checkpoint', waiting, () => this.#takeSnapshot(barrier, alignmentMs, startedMs));
    }
  }

  cancelCheckpoint(checkpointId: number): void {
    this.#giveUp(checkpointId);
    this.#parts!.chain.broadcast({ kind: 'cancel-barrier', checkpointId });
  }

  endOfData(): void {
    const { chain } = this.#parts!;
    chain.entry.processWatermark(MAX_WATERMARK);
    this.#suspend('end', chain.endInput(), () => {
      this.#phase = 'ended';
      chain.broadcast({ kind: 'end-of-data' });
      if (this.#options.checkpointing) {
        this.#environment.report({ kind: 'ended', attempt: this.attempt });
      } else {
        this.#finish();
      }
    });
  }

  processWatermark(watermark: number): void {
    this.#parts!.chain.entry.processWatermark(watermark);
  }

  processIdle(idle: boolean): void {
    this.#parts!.chain.entry.processIdle(idle);
  }

  metrics(): TaskMetrics {
    const timing = this.#timing;
    timing.begin(this.#environment.clock.monotonic());
    return {
      attempt: this.attempt,
      recordsIn: this.#parts?.input.recordsIn ?? 0,
      recordsFromSource: this.#parts?.input.isSource === true ? this.#parts.input.recordsIn : 0,
      recordsOut: (this.#parts?.chain.writers ?? []).reduce((sum, writer) => sum + writer.recordsOut, 0),
      recordsToSinks: this.#parts?.chain.recordsToSinks ?? 0,
      busyMs: timing.busyMs,
      idleMs: timing.idleMs,
      backpressuredMs: timing.blockedMs,
      longestPauseMs: timing.takeLongestPauseMs(),
    };
  }

  #work(deadlineMs: number): SliceResult {
    do {
      if (this.#commands.size > 0 && this.#suspension === undefined) {
        this.#carryOut(this.#commands.shift()!);
        continue;
      }
      if (this.#actions.size > 0 && this.#suspension !== 'checkpoint' && this.#frozenBy === undefined) {
        this.#actions.shift()!();
        continue;
      }
      if (this.#suspension !== undefined || this.isDone) {
        return 'idle';
      }
      const { chain, input } = this.#parts!;
      if (!chain.isAvailable()) {
        return 'blocked';
      }
      if (!input.step()) {
        return 'idle';
      }
    } while (this.#environment.clock.monotonic() < deadlineMs);
    return 'more';
  }

  #carryOut(command: TaskCommand): void {
    const { input, state } = this.#parts!;
    if (command.kind === 'completed') {
      state.checkpointCompleted(command.checkpointId);
      input.checkpointCompleted(command.checkpointId);
      this.#commit(command.checkpointId);
      return;
    }
    input.command(command);
    if (command.kind === 'aborted') {
      this.#giveUp(command.checkpointId);
    }
  }

  #giveUp(checkpointId: number): void {
    this.#snapshots.cancel(checkpointId);
    this.#finalIds.delete(checkpointId);
    if (this.#frozenBy === checkpointId) {
      this.#frozenBy = undefined;
      this.wake();
    }
  }

  /** Sinks commit while the task goes on; commits of one task follow each other. */
  #commit(checkpointId: number): void {
    const { chain } = this.#parts!;
    this.#commits = this.#commits
      .then(() => chain.checkpointCompleted(checkpointId))
      .then(() => {
        if (this.#finalIds.values().some((id) => id <= checkpointId)) {
          this.#finish();
        }
      })
      .catch((thrown: unknown) => this.fail(thrown));
  }

  #takeSnapshot(barrier: BarrierEvent, alignmentMs: number, startedMs: number): void {
    const { chain, input, state } = this.#parts!;
    chain.broadcast(barrier);
    chain.snapshot(barrier.checkpointId);
    input.snapshot();
    const final = this.#phase === 'ended' || barrier.stop !== 'no';
    if (final) {
      this.#finalIds.add(barrier.checkpointId);
    }
    if (barrier.stop !== 'no') {
      this.#frozenBy = barrier.checkpointId;
    }
    const syncMs = this.#environment.clock.monotonic() - startedMs;
    this.#timing.paused(syncMs);
    this.#snapshots.write(barrier, state.snapshot(barrier), { alignmentMs, syncMs, final });
  }

  #suspend(kind: 'checkpoint' | 'end', waiting: Promise<void>, then: () => void): void {
    this.#suspension = kind;
    waiting.then(
      () => {
        if (this.isDone) {
          return;
        }
        this.#suspension = undefined;
        try {
          then();
          for (const run of this.#deferred.splice(0)) {
            run();
          }
        } catch (thrown) {
          this.fail(thrown);
        }
        this.wake();
      },
      (thrown: unknown) => this.fail(thrown),
    );
  }

  #flushOutputs(): void {
    const { bufferTimeoutMs, clock } = this.#environment;
    if (bufferTimeoutMs < 0) {
      return;
    }
    for (const writer of this.#parts!.chain.writers) {
      const sinceMs = writer.bufferedSinceMs;
      if (sinceMs === undefined) {
        continue;
      }
      const remainingMs = sinceMs + bufferTimeoutMs - clock.monotonic();
      if (remainingMs <= 0) {
        writer.flush();
      } else {
        this.#flushTimer ??= clock.after(remainingMs, () => {
          this.#flushTimer = undefined;
          this.wake();
        });
      }
    }
  }

  #finish(): void {
    if (this.isDone) {
      return;
    }
    this.#parts!.chain.broadcast({ kind: 'end-of-partition' });
    this.#end('FINISHED');
  }

  #end(state: 'FINISHED' | 'CANCELED' | 'FAILED', error?: ErrorInfo): void {
    this.#phase = 'finishing';
    this.#flushTimer?.cancel();
    this.#snapshots.cancelAll();
    const closing = this.#parts === undefined ? Promise.resolve() : this.#closeParts(this.#parts, state);
    void closing
      .then(
        () => ({ state, error }),
        (thrown: unknown) => {
          this.#environment.logger.warn(`${this.title}: closing failed: ${messageOf(thrown)}`);
          return state === 'FINISHED' ? { state: 'FAILED' as const, error: errorInfo(thrown) } : { state, error };
        },
      )
      .then((outcome) => {
        this.#phase = 'done';
        this.#report(outcome.state, outcome.error);
        this.#options.onDone(this);
      });
  }

  async #closeParts(parts: TaskParts, state?: ReportedState): Promise<void> {
    try {
      await parts.input.close();
    } finally {
      try {
        await parts.chain.close();
      } finally {
        if (state !== 'FINISHED') {
          for (const writer of parts.chain.writers) {
            writer.close();
          }
        }
        parts.release();
      }
    }
  }

  #report(state: ReportedState, error?: ErrorInfo): void {
    this.#environment.report({
      kind: 'state',
      attempt: this.attempt,
      state,
      ...(error === undefined ? {} : { error }),
    });
  }
}
