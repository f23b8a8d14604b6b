import { assert } from '../../../foundation/common/assert.ts';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';

interface Parcel {
  readonly dueMs: number;
  readonly bytes: number;
  readonly deliver: () => void;
}

/** One direction of one connection: what goes in comes out later, in the same order. */
export class Pipe {
  readonly from: string;
  readonly to: string;
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  readonly #isBlocked: () => boolean;
  #parcels: Parcel[] = [];
  #bytes = 0;
  #timer: TimerHandle | undefined;
  #isDone = false;

  constructor(from: string, to: string, clock: Clock, delayMs: () => number, isBlocked: () => boolean) {
    this.from = from;
    this.to = to;
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#isBlocked = isBlocked;
  }

  get parcels(): number {
    return this.#parcels.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing comes any more, and nothing is on its way. */
  get isDone(): boolean {
    return this.#isDone && this.#parcels.length === 0;
  }

  push(bytes: number, deliver: () => void): void {
    const delayMs = this.#delayMs();
    assert(delayMs >= 0, `a delay of ${delayMs} ms`);
    const dueMs = Math.max(this.#clock.monotonic() + delayMs, this.#parcels.at(-1)?.dueMs ?? 0);
    this.#parcels.push({ dueMs, bytes, deliver });
    this.#bytes += bytes;
    this.pump();
  }

  /** Sees to the next parcel; to be called when the way is free again. */
  pump(): void {
    const [next] = this.#parcels;
    if (next === undefined || this.#timer !== undefined || this.#isBlocked()) {
      return;
    }
    this.#timer = this.#clock.after(next.dueMs - this.#clock.monotonic(), () => {
      this.#timer = undefined;
      if (!this.#isBlocked()) {
        this.#parcels.shift();
        this.#bytes -= next.bytes;
        next.deliver();
        this.pump();
      }
    });
  }

  /** Nothing will be pushed any more. */
  finish(): void {
    this.#isDone = true;
  }

  /** What is on its way is lost. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#parcels = [];
    this.#bytes = 0;
    this.#isDone = true;
  }
}
