import { MillraceError } from '../../foundation/common/errors.ts';
import type { Key, KeyedTimers } from '../../runtime/state/keyed-state.ts';
import { MAX_WATERMARK } from './operator.ts';

/** How many timers may follow from each pending one once the input has ended. */
const FOLLOW_UPS_PER_TIMER = 1000;

/** Fires the event-time timers of an operator. */
export class EventTimers {
  readonly #timers: KeyedTimers;
  readonly #fire: (key: Key, timeMs: number) => void;
  readonly #operatorName: string;

  constructor(timers: KeyedTimers, operatorName: string, fire: (key: Key, timeMs: number) => void) {
    this.#timers = timers;
    this.#operatorName = operatorName;
    this.#fire = fire;
  }

  register(key: Key, timeMs: number): void {
    this.#timers.register(key, timeMs);
  }

  delete(key: Key, timeMs: number): void {
    this.#timers.delete(key, timeMs);
  }

  /** Fires what is due at `watermark`, in order of time; timers registered meanwhile take part. */
  advance(watermark: number): void {
    const timers = this.#timers;
    if (timers.nextTimeMs > watermark) {
      return;
    }
    // Before the end of the input a timer that registers itself again comes to an end by itself.
    const limit = watermark === MAX_WATERMARK ? (timers.size + 1) * FOLLOW_UPS_PER_TIMER : Infinity;
    let fired = 0;
    for (let timer = timers.poll(watermark); timer !== undefined; timer = timers.poll(watermark)) {
      this.#fire(timer.key, timer.timeMs);
      if (++fired > limit) {
        throw new MillraceError(
          'BAD_JOB',
          `the timers of operator '${this.#operatorName}' register new ones without end though the input has ended; ` +
            'register none in onTimer when ctx.currentWatermark is Infinity',
        );
      }
    }
  }
}
