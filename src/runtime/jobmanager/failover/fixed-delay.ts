import { numberOr } from './number-or.ts';
import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import type { RestartDecision, RestartStrategy } from './restart-strategy.ts';

export interface FixedDelayOptions {
  /** Restarts before the job fails; never counted back. */
  readonly attempts: number;
  readonly delayMs: number;
}

export class FixedDelay implements RestartStrategy {
  readonly #options: FixedDelayOptions;
  #failures = 0;

  constructor(options: FixedDelayOptions) {
    this.#options = options;
  }

  failed(): RestartDecision {
    const { attempts, delayMs } = this.#options;
    this.#failures++;
    return this.#failures <= attempts
      ? { kind: 'restart', delayMs }
      : {
          kind: 'give-up',
          reason: `restart-strategy.fixed-delay.attempts is ${attempts}, this is failure ${this.#failures}`,
        };
  }

  counts(): RestartCounts {
    return { fixedDelayFailures: this.#failures };
  }

  resume({ fixedDelayFailures }: RestartCounts): void {
    this.#failures = numberOr(fixedDelayFailures, 0);
  }
}
