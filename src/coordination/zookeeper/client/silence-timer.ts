import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';

export interface SilenceListener {
  /** Nothing was said for a third of the session timeout: say something. */
  idle(): void;
  /** Nothing was heard for two thirds of it. Called once. */
  silent(forMs: number): void;
}

/** How late a timer is before it says more about this process than about the server, as a share of the session timeout. */
const OWN_PAUSE = 1 / 6;
const SECOND_LOOK_MS = 10;

/**
 * When a connection needs a ping, and when it is dead: a server whose session lives has a third of the timeout to answer, and a third is
 * left to find another.
 */
export class SilenceTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #listener: SilenceListener;
  #heardAtMs: number;
  #saidAtMs: number;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, timeoutMs: number, listener: SilenceListener) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
    this.#heardAtMs = this.#saidAtMs = clock.monotonic();
    this.#sleep();
  }

  heard(): void {
    this.#heardAtMs = this.#clock.monotonic();
  }

  said(): void {
    this.#saidAtMs = this.#clock.monotonic();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sleep(): void {
    const dueAtMs = Math.min(this.#heardAtMs + (this.#timeoutMs * 2) / 3, this.#saidAtMs + this.#timeoutMs / 3);
    const delayMs = Math.max(1, dueAtMs - this.#clock.monotonic());
    this.#timer = this.#clock.after(delayMs, () => this.#wake(dueAtMs));
  }

  #wake(dueAtMs: number): void {
    // After a pause of this process the answers wait to be read: the silence may be its own.
    if (this.#clock.monotonic() - dueAtMs > this.#timeoutMs * OWN_PAUSE) {
      this.#timer = this.#clock.after(SECOND_LOOK_MS, () => this.#look());
    } else {
      this.#look();
    }
  }

  #look(): void {
    const nowMs = this.#clock.monotonic();
    const silentForMs = nowMs - this.#heardAtMs;
    if (silentForMs >= (this.#timeoutMs * 2) / 3) {
      this.stop();
      this.#listener.silent(silentForMs);
      return;
    }
    if (nowMs - this.#saidAtMs >= this.#timeoutMs / 3) {
      this.#listener.idle();
    }
    this.#sleep();
  }
}
