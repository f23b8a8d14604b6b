import { type ErrorInfo, errorInfo, messageOf } from '../../../foundation/common/errors.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import { MAX_WATERMARK } from '../../../pipeline/operators/operator.ts';
import type { BarrierEvent } from '../../network/stream-element.ts';
import type { SubtaskCopies } from '../local-state/subtask-copies.ts';
import type { TaskMetrics, TaskState as ReportedState } from '../../protocol/task-commands.ts';
import { EndCoverage } from './end-coverage.ts';
import { OutputFlusher } from './output-flusher.ts';
import type { TaskEnvironment } from './task-environment.ts';
import type { TaskInputOwner } from './task-input.ts';
import type { TaskSignal } from './task-signal.ts';
import { TaskMailbox } from './task-mailbox.ts';
import { taskMetrics } from './task-metrics.ts';
import { TaskSnapshots } from './task-snapshots.ts';
import { TaskTiming } from './task-timing.ts';
import { closeParts, type TaskParts } from './task-parts.ts';

export interface TaskOptions {
  readonly attempt: AttemptId;
  /** Vertex name and subtask, for messages: `map (2/4)`. */
  readonly title: string;
  readonly checkpointing: boolean;
  readonly environment: TaskEnvironment;
  readonly copies?: SubtaskCopies | undefined;
  readonly inlineThresholdBytes?: number | undefined;
  readonly build: (task: Task) => Promise<TaskParts>;
  /** The task has something to do. */
  readonly onReady: (task: Task) => void;
  readonly onDone: (task: Task) => void;
}

/** `more`: call again soon; `waiting`: `onReady` tells. `blocked` is waiting for credit or for an operator. */
export type SliceResult = 'more' | 'idle' | 'blocked';

/**
 * `ended`: all input is read, the checkpoint that covers the end is awaited (R11). `draining`: the receivers take what is
 * left. `ending` and `done`: it takes part in nothing any more, its parts are being closed or are.
 */
type Phase = 'initializing' | 'running' | 'ended' | 'draining' | 'ending' | 'done';

type FinalState = Extract<ReportedState, 'FINISHED' | 'CANCELED' | 'FAILED'>;

/**
 * One subtask as a mailbox: batches, timers, barriers and commands are taken one at a time on one thread. While the task
 * waits for a promise of an operator it takes nothing that could come between (see `#suspension`).
 */
export class Task implements TaskInputOwner {
  readonly attempt: AttemptId;
  readonly title: string;
  readonly #options: TaskOptions;
  readonly #environment: TaskEnvironment;
  readonly #mailbox: TaskMailbox;
  readonly #flusher: OutputFlusher;
  readonly #snapshots: TaskSnapshots;
  #parts: TaskParts | undefined;
  #phase: Phase = 'initializing';
  /**
   * What is awaited. `checkpoint`: nothing else may run, or what it emits would come between the barrier and the
   * snapshot. `end`: operators go on emitting what they hold back.
   */
  #suspension: 'checkpoint' | 'end' | undefined;
  #deferred: (() => void)[] = [];
  readonly #coverage = new EndCoverage();
  #commits: Promise<void> = Promise.resolve();
  /** Settles when nothing of `start` runs any more. */
  #starting: Promise<void> = Promise.resolve();
  /** Whether the task is in the thread's queue of ready tasks. */
  isQueued = false;
  /** Something of it went to the client, or to the console. */
  sendsToClient = false;
  readonly #timing: TaskTiming;
  /** As the context that its code runs in. */
  readonly running: { readonly title: string; readonly task: Task };
  readonly #done: Promise<void>;
  #resolveDone!: () => void;

  constructor(options: TaskOptions) {
    this.attempt = options.attempt;
    this.title = options.title;
    this.#options = options;
    this.#environment = options.environment;
    const { clock, bufferTimeoutMs } = options.environment;
    this.#mailbox = new TaskMailbox(clock, () => this.wake());
    this.#flusher = new OutputFlusher(clock, bufferTimeoutMs, () => this.wake());
    this.#timing = new TaskTiming(clock.monotonic());
    this.#snapshots = new TaskSnapshots(options);
    this.running = { title: options.title, task: this };
    this.#done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
  }

  /** It ended or is about to: nothing reaches it any more. */
  get isDone(): boolean {
    return this.#phase === 'done' || this.#phase === 'ending';
  }

  /** Builds, restores and opens the task, then lets it run. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    try {
      this.#report('INITIALIZING');
      const parts = await this.#options.build(this);
      // Also of a task that was told to end meanwhile: whoever ends it waits for this, then closes what is there.
      this.#parts = parts;
      const goesOn = (): boolean => !this.isDone;
      await parts.chain.open(goesOn);
      if (this.isDone) {
        return;
      }
      if (parts.commitOnly) {
        // Its end was covered by the restored checkpoint; opening the sinks committed what that lists (R3, R11).
        this.#end('FINISHED');
        return;
      }
      await parts.input.open(goesOn);
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

  command(command: TaskSignal): void {
    if (this.isDone) {
      return;
    }
    if (command.kind === 'cancel') {
      this.#end('CANCELED');
      return;
    }
    this.#mailbox.command(command);
  }

  /** Runs in the mailbox: completions of async work. */
  enqueue(run: () => void): void {
    this.#mailbox.enqueue(run);
  }

  /** Runs in the mailbox at that wall-clock time, unless the input has ended by then. */
  schedule(atMs: number, run: () => void): void {
    this.#mailbox.schedule(atMs, run);
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
      if (!this.isDone) {
        this.#flusher.flush(this.#parts!.chain.writers, result === 'idle');
      }
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
    this.#giveUp((id) => id === checkpointId);
    this.#parts!.chain.broadcast({ kind: 'cancel-barrier', checkpointId });
  }

  endOfData(): void {
    const { chain } = this.#parts!;
    chain.entry.processWatermark(MAX_WATERMARK);
    this.#suspend('end', chain.endInput(), () => {
      this.#phase = 'ended';
      // What a timer would emit now would come behind the end.
      this.#mailbox.dropActions();
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
    this.#timing.begin(this.#environment.clock.monotonic());
    return taskMetrics(this.attempt, this.#parts, this.#timing);
  }

  #work(deadlineMs: number): SliceResult {
    const { chain, input } = this.#parts!;
    do {
      if (this.isDone || this.#phase === 'draining') {
        return 'idle';
      }
      if (this.#suspension === undefined && this.#mailbox.hasCommand) {
        this.#carryOut(this.#mailbox.takeCommand()!);
        continue;
      }
      if (chain.isBlocked() || (this.sendsToClient && this.#environment.isClientBehind())) {
        return 'blocked';
      }
      if (this.#mailbox.hasAction && this.#suspension !== 'checkpoint' && !this.#coverage.isFrozen) {
        this.#mailbox.takeAction()!();
        continue;
      }
      if (this.#suspension !== undefined) {
        return 'idle';
      }
      if (!chain.isAvailable()) {
        return 'blocked';
      }
      if (!input.step()) {
        return 'idle';
      }
    } while (this.#environment.clock.monotonic() < deadlineMs);
    return 'more';
  }

  #carryOut(command: TaskSignal): void {
    const { input, state } = this.#parts!;
    if (command.kind === 'completed') {
      state.checkpointCompleted(command.checkpointId);
      this.#options.copies?.completed(command.checkpointId);
      input.checkpointCompleted(command.checkpointId);
      this.#commit(command.checkpointId);
      return;
    }
    input.command(command);
    if (command.kind === 'aborted') {
      this.#giveUp((id) => id === command.checkpointId);
    } else if (command.kind === 'floor') {
      // R10: nothing up to it, except what completed, is ever acknowledged.
      this.#giveUp((id) => id <= command.checkpointId);
    }
  }

  #giveUp(isGivenUp: (checkpointId: number) => boolean): void {
    this.#snapshots.cancel(isGivenUp);
    this.#options.copies?.givenUp(isGivenUp);
    if (this.#coverage.giveUp(isGivenUp)) {
      this.wake();
    }
  }

  /** Sinks commit while the task goes on; commits of one task follow each other. */
  #commit(checkpointId: number): void {
    const { chain } = this.#parts!;
    const isEnd = this.#coverage.completed(checkpointId);
    this.#commits = this.#commits
      .then(() => (this.isDone ? undefined : chain.checkpointCompleted(checkpointId)))
      .then(() => {
        if (isEnd) {
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
    this.#coverage.add(barrier, final);
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

  /** Everything is done; the task ends when its receivers have taken what it wrote. */
  #finish(): void {
    if (this.isDone || this.#phase === 'draining') {
      return;
    }
    this.#phase = 'draining';
    const { chain } = this.#parts!;
    chain.broadcast({ kind: 'end-of-partition' });
    chain.whenDelivered(() => {
      if (!this.isDone) {
        this.#end('FINISHED');
      }
    });
  }

  #end(state: FinalState, error?: ErrorInfo): void {
    this.#phase = 'ending';
    this.#mailbox.close();
    this.#flusher.cancel();
    this.#snapshots.cancel(() => true);
    if (state === 'FAILED') {
      this.#environment.failing(this.attempt);
    }
    void this.#close(state)
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
        this.#resolveDone();
      });
  }

  /** Resolves when its end is reported. */
  whenDone(): Promise<void> {
    return this.#done;
  }

  /** When it resolves nothing of this attempt runs any more: the next one may start (R1). */
  async #close(state: FinalState): Promise<void> {
    await this.#starting;
    try {
      if (this.#parts !== undefined) {
        await closeParts(this.#parts, state);
      }
    } finally {
      await this.#snapshots.settled();
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
