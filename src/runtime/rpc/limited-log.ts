import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';

const WINDOW_MS = 10_000;
const LINES_PER_WINDOW = 10;

/** Warnings about strangers, who must not be able to fill a disk: a few in a while, then how many more there were. */
export class LimitedLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #windowStartMs = -Infinity;
  #lines = 0;
  #left = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  warn(message: string): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      if (this.#left > 0) {
        this.#logger.warn(
          `${this.#left} more connections failed in the ${WINDOW_MS / 1000} s from the last such line on`,
        );
      }
      this.#windowStartMs = nowMs;
      this.#lines = 0;
      this.#left = 0;
    }
    if (this.#lines < LINES_PER_WINDOW) {
      this.#lines++;
      this.#logger.warn(message);
    } else {
      this.#left++;
    }
  }
}
