import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';

/** Calls `run` when a decision core wants it: one time at most is waited for. */
export class WakeTimer {
  readonly #clock: Clock;
  readonly #run: () => void;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Monotonic; infinite: never. It takes the place of what was waited for. */
  at(atMs: number): void {
    this.#timer?.cancel();
    this.#timer = Number.isFinite(atMs)
      ? this.#clock.after(Math.max(0, atMs - this.#clock.monotonic()), this.#run)
      : undefined;
  }
}
