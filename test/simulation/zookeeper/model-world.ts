import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import { VirtualTime } from '../world/virtual-time.ts';
import { Ensemble, type Accepted } from './ensemble.ts';
import { ModelClient } from './model-client.ts';

export interface ModelWorldOptions {
  readonly delayMs?: (random: Random) => number;
  readonly lagMs?: (random: Random) => number;
  readonly accepted?: (accepted: Accepted) => void;
}

/** An ensemble and its clients in virtual time, for tests. */
export class ModelWorld {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly ensemble: Ensemble;
  readonly #delayMs: (random: Random) => number;

  constructor(seed: number, { delayMs = (random) => random.next() * 3, ...options }: ModelWorldOptions = {}) {
    this.time = new VirtualTime(1_000_000, seededRandom(seed));
    this.random = seededRandom(seed + 1);
    this.#delayMs = delayMs;
    this.ensemble = new Ensemble({ clock: this.time, random: seededRandom(seed + 2), delayMs, ...options });
  }

  client(sessionTimeoutMs = 5_000, reaches: () => boolean = () => true): ModelClient {
    const { ensemble, time, random } = this;
    return new ModelClient({
      ensemble,
      clock: time,
      worldClock: time,
      random,
      delayMs: this.#delayMs,
      sessionTimeoutMs,
      reaches,
    });
  }

  /** Time passes. */
  pass(ms: number): Promise<void> {
    return this.time.run(
      this.time.monotonic() + ms,
      () => false,
      () => undefined,
    );
  }

  /** For what is run by `settled`. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.time.after(ms, resolve);
    });
  }

  /** Time passes until it is settled. */
  async settled<T>(promise: Promise<T>, withinMs = 120_000): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.until(() => isSettled, withinMs);
    return promise;
  }

  async until(condition: () => boolean, withinMs = 120_000): Promise<void> {
    await this.time.run(this.time.monotonic() + withinMs, condition, () => undefined);
    if (!condition()) {
      throw new Error(`not so within ${withinMs} ms`);
    }
  }
}
