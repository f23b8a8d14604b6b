import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { TransactionLog } from './transaction-log.ts';

/** A poll that comes so late was asleep: numbers may have been deleted meanwhile, which a look at the next one misses. */
const ASLEEP_MS = 1_000;
/** So many looks, then a whole read. */
const LOOKS_PER_READ = 40;

/** Looks again and again whether another process has written; nothing depends on it but how soon that is seen. */
export class LogPoller {
  readonly #log: TransactionLog;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #timer: TimerHandle | undefined;
  #looks = 0;
  #lookedAtMs: number;
  #isStopped = false;

  constructor(log: TransactionLog, clock: Clock, intervalMs: number) {
    this.#log = log;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#lookedAtMs = clock.monotonic();
  }

  start(): void {
    this.#timer = this.#clock.after(this.#intervalMs, () => void this.#poll());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #poll(): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const isDue = ++this.#looks % LOOKS_PER_READ === 0 || nowMs - this.#lookedAtMs > ASLEEP_MS;
    this.#lookedAtMs = nowMs;
    try {
      await (isDue ? this.#log.refresh() : this.#log.look());
    } catch {
      // The store's health says it; the next poll tries again.
    }
    if (!this.#isStopped) {
      this.start();
    }
  }
}
