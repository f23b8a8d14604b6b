import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import type { Instant } from '../instant.ts';
import { numberOr } from './number-or.ts';
import type { Failure, RestartDecision, RestartStrategy } from './restart-strategy.ts';

/** Asks the restart strategy of a job, and keeps what has to outlive the leader (R13). */
export class RestartLedger {
  readonly #strategy: RestartStrategy;
  #total = 0;

  constructor(strategy: RestartStrategy) {
    this.#strategy = strategy;
  }

  /** Restarts since the job was submitted. */
  get total(): number {
    return this.#total;
  }

  failed(failure: Failure): RestartDecision {
    const decision = this.#strategy.failed(failure);
    if (decision.kind === 'restart') {
      this.#total++;
    }
    return decision;
  }

  /** For the job's record. */
  counts({ wallMs, monotonicMs }: Instant): RestartCounts {
    return { restarts: this.#total, ...this.#strategy.counts((atMs) => Math.round(wallMs - monotonicMs + atMs)) };
  }

  /** As a leader before this one wrote it. */
  resume(counts: RestartCounts, { wallMs, monotonicMs }: Instant): void {
    this.#total = numberOr(counts['restarts'], 0);
    this.#strategy.resume(counts, (atMs) => atMs - wallMs + monotonicMs);
  }
}
