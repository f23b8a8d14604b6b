import type { Clock } from '../../foundation/common/clock.ts';

/** The split in hand and one in advance (R4). */
const WANTED_SPLITS = 2;
/** A reader without any split asks again after this time: a change of leaders may have swallowed its request. */
const REPEAT_MS = 5000;

/** When a reader of a source that hands out splits one by one asks for more. */
export class SplitRequests {
  readonly #clock: Clock;
  readonly #request: () => void;
  #pending = 0;
  #requestedMs = 0;
  #over = false;

  constructor(clock: Clock, request: () => void) {
    this.#clock = clock;
    this.#request = request;
  }

  /** No more will come. */
  get isOver(): boolean {
    return this.#over;
  }

  /** When a reader that holds nothing wants to be called again. */
  get repeatMs(): number {
    return REPEAT_MS;
  }

  received(splits: number): void {
    this.#pending = Math.max(0, this.#pending - splits);
  }

  end(): void {
    this.#over = true;
  }

  /** Asks for what is missing to a reader that holds so many. */
  refill(held: number): void {
    if (this.#over || held + this.#pending > WANTED_SPLITS) {
      return;
    }
    const now = this.#clock.monotonic();
    if (held === 0 && this.#pending > 0 && now - this.#requestedMs >= REPEAT_MS) {
      this.#pending = 0;
    }
    while (held + this.#pending < WANTED_SPLITS) {
      this.#pending++;
      this.#requestedMs = now;
      this.#request();
    }
  }
}
