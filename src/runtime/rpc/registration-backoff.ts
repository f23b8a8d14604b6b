import type { Random } from '../../foundation/common/random.ts';

/** `cluster.registration.*` */
export interface RegistrationTiming {
  /** Of the first attempt; doubled after each that took too long. */
  readonly initialTimeoutMs: number;
  readonly maxTimeoutMs: number;
  /** The longest pause after an error; the first is `initialTimeoutMs`, then they double. */
  readonly errorDelayMs: number;
  /** Pause after a refusal. */
  readonly refusedDelayMs: number;
}

export type AttemptFailure = 'timeout' | 'error' | 'refused';

/** Pauses differ by up to this share of them, so that processes that lost the same leader do not come back in step. */
const JITTER = 0.2;

/** Decides how long an attempt may take and how long to pause before the next. */
export class RegistrationBackoff {
  readonly #timing: RegistrationTiming;
  readonly #random: Random;
  #timeoutMs: number;
  #pauseMs: number;

  constructor(timing: RegistrationTiming, random: Random) {
    this.#timing = timing;
    this.#random = random;
    this.#timeoutMs = timing.initialTimeoutMs;
    this.#pauseMs = timing.initialTimeoutMs;
  }

  /** Of the next attempt. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Somebody else is tried, or it went well for a while. */
  reset(): void {
    this.#timeoutMs = this.#timing.initialTimeoutMs;
    this.#pauseMs = this.#timing.initialTimeoutMs;
  }

  /** The pause before the next attempt. */
  failed(failure: AttemptFailure): number {
    const { maxTimeoutMs, errorDelayMs, refusedDelayMs } = this.#timing;
    switch (failure) {
      case 'timeout':
        // The attempt itself was the pause.
        this.#timeoutMs = Math.min(maxTimeoutMs, this.#timeoutMs * 2);
        return 0;
      case 'error': {
        const pauseMs = Math.min(errorDelayMs, this.#pauseMs);
        this.#pauseMs = Math.min(errorDelayMs, this.#pauseMs * 2);
        return this.#shortened(pauseMs);
      }
      case 'refused':
        return this.#shortened(refusedDelayMs);
    }
  }

  #shortened(pauseMs: number): number {
    return pauseMs * (1 - JITTER * this.#random.next());
  }
}
