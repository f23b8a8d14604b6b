import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import type { Failure, RestartDecision, RestartStrategy } from './restart-strategy.ts';

export interface FailureRateOptions {
  /** So many failures within the interval are restarted, one more fails the job. */
  readonly maxFailuresPerInterval: number;
  readonly intervalMs: number;
  readonly delayMs: number;
}

export class FailureRate implements RestartStrategy {
  readonly #options: FailureRateOptions;
  /** Times of the newest failures, at most one more than are allowed. */
  readonly #failures: number[] = [];

  constructor(options: FailureRateOptions) {
    this.#options = options;
  }

  failed({ atMs }: Failure): RestartDecision {
    const { maxFailuresPerInterval, intervalMs, delayMs } = this.#options;
    this.#failures.push(atMs);
    if (this.#failures.length > maxFailuresPerInterval + 1) {
      this.#failures.shift();
    }
    const oldest = this.#failures[0] ?? atMs;
    return this.#failures.length <= maxFailuresPerInterval || atMs - oldest > intervalMs
      ? { kind: 'restart', delayMs }
      : {
          kind: 'give-up',
          reason: `more than ${maxFailuresPerInterval} failures within ${intervalMs} ms (restart-strategy.failure-rate)`,
        };
  }

  counts(toWall: (atMs: number) => number): RestartCounts {
    return { failureTimes: this.#failures.map(toWall) };
  }

  resume({ failureTimes }: RestartCounts, fromWall: (wallMs: number) => number): void {
    const times = Array.isArray(failureTimes) ? (failureTimes as readonly number[]) : [];
    this.#failures.splice(0, Infinity, ...times.slice(-this.#options.maxFailuresPerInterval - 1).map(fromWall));
  }
}
