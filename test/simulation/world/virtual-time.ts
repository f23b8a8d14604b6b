import { setFlagsFromString } from 'node:v8';
import type { Clock, TimerHandle } from '../../../src/foundation/common/clock.ts';
import type { Random } from '../../../src/foundation/common/random.ts';

interface Event {
  readonly atMs: number;
  /** Among those of the same moment: the seed decides. */
  readonly rank: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Between two turns of the event loop, which nothing here waits for. */
const EVENTS_AT_ONCE = 1_000;

/**
 * Settles all promises that can be settled now. Waiting for a turn of the event loop does the same, and took a fifth of the time of a
 * schedule; V8 has no other name for it.
 */
const runMicrotasks = ((): (() => void) => {
  setFlagsFromString('--allow-natives-syntax');
  const run = new Function('%PerformMicrotaskCheckpoint()') as () => void;
  setFlagsFromString('--no-allow-natives-syntax');
  return run;
})();

const macrotask = <T>(act: () => T): Promise<T> =>
  new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(act());
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    });
  });

/** Beyond it something turns in circles: no schedule needs as many. */
const EVENTS_MAX = 2_000_000;

/**
 * The time of a simulated world: it jumps from one event to the next. What an event sets off in promises has come to rest before
 * the next one begins, so that a schedule depends on its seed alone.
 */
export class VirtualTime implements Clock {
  readonly #random: Random;
  readonly #events: Event[] = [];
  #nowMs: number;
  #count = 0;

  constructor(startMs: number, random: Random) {
    this.#nowMs = startMs;
    this.#random = random;
  }

  /** Events that were carried out. */
  get count(): number {
    return this.#count;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): TimerHandle {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      rank: this.#random.next(),
      run,
      isCancelled: false,
    };
    this.#insert(event);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }

  /** Until `done` holds, at the latest until that time. `observe` is called when an event has come to rest. */
  async run(untilMs: number, done: () => boolean, observe: () => void): Promise<void> {
    let isOver = false;
    while (!isOver) {
      // What was begun outside of an event has come to rest then, too.
      isOver = await macrotask(() => this.#some(untilMs, done, observe));
    }
  }

  /** A good many events; whether that was all. */
  #some(untilMs: number, done: () => boolean, observe: () => void): boolean {
    for (let left = EVENTS_AT_ONCE; left > 0; left--) {
      if (done()) {
        return true;
      }
      const event = this.#next(untilMs);
      if (event === undefined) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return true;
      }
      this.#nowMs = event.atMs;
      if (++this.#count > EVENTS_MAX) {
        throw new Error(`more than ${EVENTS_MAX} events`);
      }
      event.run();
      runMicrotasks();
      observe();
    }
    return false;
  }

  #next(untilMs: number): Event | undefined {
    for (;;) {
      const [first] = this.#events;
      if (first === undefined || (!first.isCancelled && first.atMs > untilMs)) {
        return undefined;
      }
      this.#removeFirst();
      if (!first.isCancelled) {
        return first;
      }
    }
  }

  #insert(event: Event): void {
    const events = this.#events;
    let place = events.length;
    events.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, events[parent]!)) {
        break;
      }
      events[place] = events[parent]!;
      place = parent;
    }
    events[place] = event;
  }

  #removeFirst(): void {
    const events = this.#events;
    const last = events.pop()!;
    if (events.length === 0) {
      return;
    }
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      const smaller = right < events.length && isBefore(events[right]!, events[left]!) ? right : left;
      if (smaller >= events.length || !isBefore(events[smaller]!, last)) {
        break;
      }
      events[place] = events[smaller]!;
      place = smaller;
    }
    events[place] = last;
  }
}

const isBefore = (one: Event, other: Event): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.rank < other.rank);
