import type { Clock } from '../../../src/foundation/common/clock.ts';

interface Slot<T> {
  readonly message: T;
  isLost: boolean;
}

/** One direction of a connection: what is sent arrives in order, each some time later. */
export class Link<T> {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  readonly #deliver: (message: T) => void;
  #slots: Slot<T>[] = [];
  #lastAtMs = 0;

  /** The clock is that of the receiver: who is paused receives nothing. */
  constructor(clock: Clock, delayMs: () => number, deliver: (message: T) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#deliver = deliver;
  }

  send(message: T): void {
    const nowMs = this.#clock.monotonic();
    this.#lastAtMs = Math.max(this.#lastAtMs, nowMs + this.#delayMs());
    this.#slots.push({ message, isLost: false });
    this.#clock.after(this.#lastAtMs - nowMs, () => {
      const slot = this.#slots.shift();
      if (slot?.isLost === false) {
        this.#deliver(slot.message);
      }
    });
  }

  /** Of what is on its way only the first `kept` arrive. */
  cut(kept: number): void {
    this.#slots.slice(kept).forEach((slot) => {
      slot.isLost = true;
    });
  }

  get onTheWay(): number {
    return this.#slots.length;
  }
}
