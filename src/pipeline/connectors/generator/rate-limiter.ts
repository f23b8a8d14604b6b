import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { type Duration, parseDuration } from '../../../foundation/common/duration.ts';

/** How fast a generator goes: `every` or `rate`, or as fast as it can. */
export interface Pace {
  /** The time between two records of the whole source. */
  readonly every?: Duration;
  /** Records per second of the whole source. */
  readonly rate?: number;
}

/** What a pause longer than this would have held is not made up for. */
const LONGEST_BURST_MS = 1000;

/** Milliseconds between two records; 0 means unlimited. */
export const intervalOf = (pace: Pace, what: string): number => {
  if (pace.every !== undefined && pace.rate !== undefined) {
    throw new MillraceError('BAD_OPTION', `${what}: give "every" or "rate", not both`);
  }
  if (pace.rate !== undefined) {
    if (!(pace.rate > 0) || !Number.isFinite(pace.rate)) {
      throw new MillraceError('BAD_OPTION', `${what}: "rate" is ${pace.rate}; allowed: records per second above 0`);
    }
    return 1000 / pace.rate;
  }
  return pace.every === undefined ? 0 : parseDuration(pace.every, `${what}: "every"`);
};

/**
 * Says how many records are due. Record n is due `n * intervalMs` after the first, so that rounding and late calls do not
 * add up; after a pause at most one second's records come at once.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burst: number;
  #startMs: number;
  #taken = 0;

  /** The first record is due after `delayMs`. */
  constructor(clock: Clock, intervalMs: number, delayMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#burst = Math.max(1, Math.floor(LONGEST_BURST_MS / intervalMs));
    this.#startMs = clock.monotonic() + delayMs;
  }

  /** Takes up to `limit` records that are due. */
  take(limit: number): number {
    const now = this.#clock.monotonic();
    let due = Math.floor((now - this.#startMs) / this.#intervalMs) + 1 - this.#taken;
    if (due > this.#burst) {
      this.#startMs = now - (this.#burst - 1) * this.#intervalMs;
      this.#taken = 0;
      due = this.#burst;
    }
    const count = Math.max(0, Math.min(due, limit));
    this.#taken += count;
    return count;
  }

  /** Time until the next record is due; 0 or less when it is. */
  waitMs(): number {
    return this.#startMs + this.#taken * this.#intervalMs - this.#clock.monotonic();
  }
}
