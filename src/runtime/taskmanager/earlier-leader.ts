import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';

/** Well above what a new leader needs to be named by the store after it was heard of. */
const PATIENCE_MS = 2_000;

/**
 * The store names a leader of an earlier epoch than one that was heard of. For a moment that is what a takeover looks like. Where it
 * stays so the store went back (R12): that leader has to hear of the later epoch, for it to raise its own.
 */
export class EarlierLeader {
  readonly #clock: Clock;
  readonly #look: () => void;
  #named: { readonly sessionId: string; readonly sinceMs: number } | undefined;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, look: () => void) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Whether it is to be told; if not yet, `look` is called when it may be. */
  isToBeTold(sessionId: string): boolean {
    const nowMs = this.#clock.monotonic();
    if (this.#named?.sessionId !== sessionId) {
      this.#named = { sessionId, sinceMs: nowMs };
    }
    const waitMs = this.#named.sinceMs + PATIENCE_MS - nowMs;
    this.#timer?.cancel();
    if (waitMs > 0) {
      this.#timer = this.#clock.after(waitMs, this.#look);
    }
    return waitMs <= 0;
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
