import type { Clock } from '../../foundation/common/clock.ts';

export interface HangWatchOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** A counter of the other thread, which changes as long as it is not held up. */
  readonly ticks: () => number;
  /** Held up for so long it hangs. */
  readonly hangMs: number;
  readonly hung: () => void;
  /** It hung, and has ticked again. */
  readonly alive?: () => void;
}

/** How late a look is before it says that this thread was held up itself, as a share of `hangMs`. */
const OWN_PAUSE = 1 / 2;

/** Tells from the ticks of another thread whether it hangs. */
export class HangWatch {
  readonly #options: HangWatchOptions;
  #ticks: number;
  #tickedAtMs: number;
  #lookedAtMs: number;
  #isHung = false;
  #isSpared = false;

  constructor(options: HangWatchOptions) {
    this.#options = options;
    this.#ticks = options.ticks();
    this.#tickedAtMs = this.#lookedAtMs = options.clock.monotonic();
  }

  get isHung(): boolean {
    return this.#isHung;
  }

  /** To be called several times within `hangMs`. */
  look(): void {
    const { clock, hangMs, ticks, hung, alive } = this.#options;
    const nowMs = clock.monotonic();
    const wasAway = nowMs - this.#lookedAtMs > hangMs * OWN_PAUSE;
    this.#lookedAtMs = nowMs;
    const count = ticks();
    if (count !== this.#ticks) {
      this.#ticks = count;
      this.#tickedAtMs = nowMs;
      this.#isSpared = false;
      if (this.#isHung) {
        this.#isHung = false;
        alive?.();
      }
    } else if (!this.#isHung && nowMs - this.#tickedAtMs >= hangMs) {
      // After a pause of the whole process the other thread had no time to tick either: it has until the next look, once.
      if (wasAway && !this.#isSpared) {
        this.#isSpared = true;
        return;
      }
      this.#isHung = true;
      hung();
    }
  }
}

/** How often threads tick and look. */
export const tickMsOf = (hangMs: number): number => Math.min(LONGEST_TICK_MS, Math.max(1, hangMs / TICKS_PER_HANG));

const TICKS_PER_HANG = 10;
const LONGEST_TICK_MS = 500;
