import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';

export interface EndWatchEvents {
  warn(seconds: number): void;
  /** Called once. */
  giveUp(): void;
}

/** Waits for the end of something that was told to end: warns now and then, and gives up after the timeout. */
export class EndWatch {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #events: EndWatchEvents;
  readonly #startMs: number;
  #timer: TimerHandle | undefined;

  /** A timeout or interval of 0 is none. */
  constructor(clock: Clock, intervalMs: number, timeoutMs: number, events: EndWatchEvents) {
    this.#clock = clock;
    this.#intervalMs = intervalMs > 0 ? intervalMs : Infinity;
    this.#timeoutMs = timeoutMs > 0 ? timeoutMs : Infinity;
    this.#events = events;
    this.#startMs = clock.monotonic();
    this.#next(0);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(passedMs: number): void {
    const delayMs = Math.min(this.#intervalMs, this.#timeoutMs - passedMs);
    if (Number.isFinite(delayMs)) {
      this.#timer = this.#clock.after(delayMs, () => this.#due());
    }
  }

  #due(): void {
    const passedMs = this.#clock.monotonic() - this.#startMs;
    if (passedMs >= this.#timeoutMs) {
      this.stop();
      this.#events.giveUp();
      return;
    }
    this.#events.warn(Math.round(passedMs / 1000));
    this.#next(passedMs);
  }
}
