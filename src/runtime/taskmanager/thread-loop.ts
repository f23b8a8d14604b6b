import { RingQueue } from '../../foundation/common/ring-queue.ts';
import type { Task } from './task/task.ts';

/** How the loop gets its next turn; `setImmediate` in a thread, a queue in a simulation. */
export type NextTurn = (run: () => void) => void;

export interface ThreadLoopOptions {
  readonly monotonic: () => number;
  readonly nextTurn: NextTurn;
  /** After each turn: sends what tasks wrote. */
  readonly endOfTurn: () => void;
  /** Runs `run` with the task known as the one whose code runs. */
  readonly runAs: <R>(task: Task, run: () => R) => R;
}

/** One task works this long at most before the next one's turn. */
const SLICE_MS = 2;
/** After this long the thread looks at its messages and timers. */
const TURN_MS = 5;
const TASK_LIMIT = 100_000;

/**
 * Gives the ready tasks of a thread their turns, one after the other. What a turn throws goes to whoever called it, the
 * next turn is due all the same.
 */
export class ThreadLoop {
  readonly #options: ThreadLoopOptions;
  readonly #ready = new RingQueue<Task>(TASK_LIMIT);
  readonly #waiting: (() => void)[] = [];
  #scheduled = false;

  constructor(options: ThreadLoopOptions) {
    this.#options = options;
  }

  ready(task: Task): void {
    if (!task.isQueued) {
      task.isQueued = true;
      this.#ready.push(task);
      this.schedule();
    }
  }

  /** Asks for a turn even if no task is ready (frames may wait to be sent). */
  schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#options.nextTurn(() => this.#turn());
    }
  }

  /** Resolves when the tasks had their turn; for background work in slices. */
  pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.schedule();
    });
  }

  #turn(): void {
    this.#scheduled = false;
    try {
      this.#runTasks();
      this.#options.endOfTurn();
    } finally {
      for (const resolve of this.#waiting.splice(0)) {
        resolve();
      }
      if (this.#ready.size > 0) {
        this.schedule();
      }
    }
  }

  #runTasks(): void {
    const { monotonic, runAs } = this.#options;
    const turnEndMs = monotonic() + TURN_MS;
    let remaining = this.#ready.size;
    while (remaining-- > 0) {
      const task = this.#ready.shift()!;
      task.isQueued = false;
      const nowMs = monotonic();
      if (nowMs >= turnEndMs) {
        this.ready(task);
        continue;
      }
      const result = runAs(task, () => task.runSlice(Math.min(nowMs + SLICE_MS, turnEndMs)));
      if (result === 'more') {
        this.ready(task);
      }
    }
  }
}
