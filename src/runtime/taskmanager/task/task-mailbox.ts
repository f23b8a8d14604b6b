import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { RingQueue } from '../../../foundation/common/ring-queue.ts';
import type { TaskSignal } from './task-signal.ts';

const QUEUE_LIMIT = 10_000_000;

/** What waits for its turn in one task: commands and the like, completions of async work, timers that are due. */
export class TaskMailbox {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #commands = new RingQueue<TaskSignal>(QUEUE_LIMIT);
  readonly #actions = new RingQueue<() => void>(QUEUE_LIMIT);
  readonly #timers = new Set<TimerHandle>();
  #takesActions = true;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get hasCommand(): boolean {
    return this.#commands.size > 0;
  }

  get hasAction(): boolean {
    return this.#actions.size > 0;
  }

  /** Timers that are not due yet. */
  get timerCount(): number {
    return this.#timers.size;
  }

  command(command: TaskSignal): void {
    this.#commands.push(command);
    this.#wake();
  }

  takeCommand(): TaskSignal | undefined {
    return this.#commands.shift();
  }

  enqueue(run: () => void): void {
    if (this.#takesActions) {
      this.#actions.push(run);
      this.#wake();
    }
  }

  takeAction(): (() => void) | undefined {
    return this.#actions.shift();
  }

  /** Puts `run` into the mailbox at that wall-clock time. */
  schedule(atMs: number, run: () => void): void {
    if (!this.#takesActions) {
      return;
    }
    const timer = this.#clock.after(atMs - this.#clock.now(), () => {
      this.#timers.delete(timer);
      this.enqueue(run);
    });
    this.#timers.add(timer);
  }

  /** Nothing may be emitted any more: timers and completions count for nothing from now on. */
  dropActions(): void {
    this.#takesActions = false;
    this.#actions.clear();
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#timers.clear();
  }

  close(): void {
    this.dropActions();
    this.#commands.clear();
  }
}
