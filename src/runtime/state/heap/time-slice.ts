/** How long a task may be held up at once, in milliseconds. */
const SLICE_MS = 1;

export interface SliceClock {
  /** Milliseconds. */
  now(): number;
  /** What is done between two looks at the clock; to encode a byte is 1, to visit an entry 16. */
  readonly effortPerLook: number;
}

export const systemSliceClock: SliceClock = { now: () => performance.now(), effortPerLook: 4096 };

/** Work in slices: the worker tells what it spends, and pauses when the slice is over. */
export class TimeSlice {
  readonly #clock: SliceClock;
  readonly #others: () => Promise<void>;
  #endMs: number;
  #untilLook: number;

  /** `others` lets others work. */
  constructor(clock: SliceClock, others: () => Promise<void>) {
    this.#clock = clock;
    this.#others = others;
    this.#endMs = clock.now() + SLICE_MS;
    this.#untilLook = clock.effortPerLook;
  }

  /** Returns whether the slice is over. */
  spend(effort: number): boolean {
    this.#untilLook -= effort;
    if (this.#untilLook > 0) {
      return false;
    }
    this.#untilLook = this.#clock.effortPerLook;
    return this.#clock.now() >= this.#endMs;
  }

  async pause(): Promise<void> {
    await this.#others();
    this.#endMs = this.#clock.now() + SLICE_MS;
  }
}
