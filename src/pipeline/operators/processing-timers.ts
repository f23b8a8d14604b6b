import type { Key, KeyedTimers } from '../../runtime/state/keyed-state.ts';
import type { OperatorContext } from './operator.ts';

/** Fires the processing-time timers of an operator; wakes the task for the earliest one only. */
export class ProcessingTimers {
  readonly #timers: KeyedTimers;
  readonly #context: OperatorContext;
  readonly #fire: (key: Key, timeMs: number) => void;
  #scheduledMs = Infinity;
  #stopped = false;

  constructor(timers: KeyedTimers, context: OperatorContext, fire: (key: Key, timeMs: number) => void) {
    this.#timers = timers;
    this.#context = context;
    this.#fire = fire;
  }

  /** After a restore: timers that came with the state are waited for, late ones fire at once. */
  start(): void {
    this.#scheduleNext();
  }

  stop(): void {
    this.#stopped = true;
  }

  register(key: Key, timeMs: number): void {
    this.#timers.register(key, timeMs);
    this.#scheduleNext();
  }

  delete(key: Key, timeMs: number): void {
    this.#timers.delete(key, timeMs);
  }

  /** Fires everything up to `timeMs`, in order of time. */
  advance(timeMs: number): void {
    for (let timer = this.#timers.poll(timeMs); timer !== undefined; timer = this.#timers.poll(timeMs)) {
      this.#fire(timer.key, timer.timeMs);
    }
  }

  #scheduleNext(): void {
    const nextMs = this.#timers.nextTimeMs;
    if (nextMs < this.#scheduledMs) {
      this.#scheduledMs = nextMs;
      this.#context.schedule(nextMs, () => this.#wake(nextMs));
    }
  }

  #wake(atMs: number): void {
    if (this.#stopped) {
      return;
    }
    if (atMs === this.#scheduledMs) {
      this.#scheduledMs = Infinity;
    }
    this.advance(this.#context.clock.now());
    this.#scheduleNext();
  }
}
