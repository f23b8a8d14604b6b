import { numberOr } from './number-or.ts';
import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { Failure, RestartDecision, RestartStrategy } from './restart-strategy.ts';

export interface ExponentialDelayOptions {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /** So long without a failure sets the backoff and the count back. */
  readonly resetBackoffThresholdMs: number;
  /** 0.1: up to 10 % more or less. */
  readonly jitterFactor: number;
  /** Restarts before the job fails, `Infinity` for no limit. */
  readonly attemptsBeforeResetBackoff: number;
}

/** One cause often fails several regions: what follows so soon belongs to the same restart. */
const SAME_CAUSE_MS = 100;

/**
 * Unlike Flink's, the first restart after a quiet time is at once, and so is one after a lost TaskManager; the initial
 * backoff is that of the second. Failures until the restart happens count as one.
 */
export class ExponentialDelay implements RestartStrategy {
  readonly #options: ExponentialDelayOptions;
  readonly #random: Random;
  /** Of the next restart; 0: at once. */
  #backoffMs = 0;
  #restarts = 0;
  #restartAtMs = Number.NEGATIVE_INFINITY;
  /** A failure before this time belongs to the restart that is decided already. */
  #mergedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: ExponentialDelayOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  failed({ atMs, taskManagerLost }: Failure): RestartDecision {
    const { resetBackoffThresholdMs, attemptsBeforeResetBackoff } = this.#options;
    if (taskManagerLost) {
      return { kind: 'restart', delayMs: 0 };
    }
    if (atMs < this.#mergedUntilMs) {
      // What fails again right after a restart at once waits for the end of that time: it would spin until then.
      const restartAtMs = atMs < this.#restartAtMs ? this.#restartAtMs : this.#mergedUntilMs;
      return { kind: 'restart', delayMs: restartAtMs - atMs };
    }
    if (atMs - this.#restartAtMs >= resetBackoffThresholdMs) {
      this.#backoffMs = 0;
      this.#restarts = 0;
    }
    this.#restarts++;
    if (this.#restarts > attemptsBeforeResetBackoff) {
      return {
        kind: 'give-up',
        reason:
          'restart-strategy.exponential-delay.attempts-before-reset-backoff is ' +
          `${attemptsBeforeResetBackoff}, this is failure ${this.#restarts}`,
      };
    }
    const delayMs = this.#jittered();
    this.#restartAtMs = atMs + delayMs;
    this.#mergedUntilMs = atMs + Math.max(delayMs, SAME_CAUSE_MS);
    this.#increase();
    return { kind: 'restart', delayMs };
  }

  counts(toWall: (atMs: number) => number): RestartCounts {
    return {
      backoffMs: this.#backoffMs,
      restartsSinceReset: this.#restarts,
      // Before the first failure there is no such time.
      ...(Number.isFinite(this.#restartAtMs) ? { restartAt: toWall(this.#restartAtMs) } : {}),
    };
  }

  resume(counts: RestartCounts, fromWall: (wallMs: number) => number): void {
    const { backoffMs, restartsSinceReset, restartAt } = counts;
    this.#backoffMs = Math.min(this.#options.maxBackoffMs, numberOr(backoffMs, 0));
    this.#restarts = numberOr(restartsSinceReset, 0);
    this.#restartAtMs = typeof restartAt === 'number' ? fromWall(restartAt) : Number.NEGATIVE_INFINITY;
  }

  #jittered(): number {
    const { jitterFactor, maxBackoffMs } = this.#options;
    const jitter = (2 * this.#random.next() - 1) * jitterFactor * this.#backoffMs;
    return Math.min(maxBackoffMs, Math.max(0, Math.round(this.#backoffMs + jitter)));
  }

  #increase(): void {
    const { initialBackoffMs, maxBackoffMs, backoffMultiplier } = this.#options;
    this.#backoffMs =
      this.#backoffMs === 0 ? initialBackoffMs : Math.min(maxBackoffMs, this.#backoffMs * backoffMultiplier);
  }
}
