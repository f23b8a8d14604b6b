import type { Clock, TimerHandle } from '../foundation/common/clock.ts';

interface ManualTimer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #timers: ManualTimer[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  /** Timers that wait for their time. */
  get timerCount(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): TimerHandle {
    const timer: ManualTimer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  /** Moves to `timeMs`, running timers on the way, each at its time. */
  advanceTo(timeMs: number): void {
    for (let timer = this.#due(timeMs); timer !== undefined; timer = this.#due(timeMs)) {
      const due = timer;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = Math.max(this.#nowMs, timeMs);
  }

  advanceBy(durationMs: number): void {
    this.advanceTo(this.#nowMs + durationMs);
  }

  #due(timeMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) {
      const isEarlier =
        first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order);
      if (timer.atMs <= timeMs && isEarlier) {
        first = timer;
      }
    }
    return first;
  }
}
