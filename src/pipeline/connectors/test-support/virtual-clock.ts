import type { Clock } from '../../../foundation/common/clock.ts';

/** A clock that a test moves; with `eager` timers fire in the next turn of the event loop and take the time along. */
export class VirtualClock implements Clock {
  #nowMs = 1_000_000;
  #timers: { atMs: number; run: () => void }[] = [];
  readonly #eager: boolean;

  constructor(options: { readonly eager?: boolean } = {}) {
    this.#eager = options.eager ?? false;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    if (this.#eager) {
      setImmediate(() => {
        if (this.#timers.includes(timer)) {
          this.advance(Math.max(0, timer.atMs - this.#nowMs));
        }
      });
    }
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) {
        break;
      }
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }
}
