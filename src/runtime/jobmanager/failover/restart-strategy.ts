import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import { unreachable } from '../../../foundation/common/assert.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { ExponentialDelay, type ExponentialDelayOptions } from './exponential-delay.ts';
import { FailureRate, type FailureRateOptions } from './failure-rate.ts';
import { FixedDelay, type FixedDelayOptions } from './fixed-delay.ts';

/** A failure as the strategies see it. */
export interface Failure {
  readonly atMs: number;
  /** The TaskManager is gone: nothing that the job did wrong. */
  readonly taskManagerLost: boolean;
}

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  /** `reason` completes the sentence "not restarted: ...". */
  | { readonly kind: 'give-up'; readonly reason: string };

/** Decides about each failure of a job; it counts, so one instance serves one job. */
export interface RestartStrategy {
  failed(failure: Failure): RestartDecision;
  /** What it has counted, for the job's record (R13); `toWall`: times there are those of people's clocks. */
  counts(toWall: (atMs: number) => number): RestartCounts;
  /** Goes on from what another one counted. What it does not understand it leaves out: the strategy may have been another. */
  resume(counts: RestartCounts, fromWall: (wallMs: number) => number): void;
}

export type RestartStrategyOptions =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'fixed-delay' } & FixedDelayOptions)
  | ({ readonly kind: 'failure-rate' } & FailureRateOptions)
  | ({ readonly kind: 'exponential-delay' } & ExponentialDelayOptions);

/** Flink's defaults; the meaning of the first backoff differs, see `ExponentialDelay`. */
export const EXPONENTIAL_DELAY_DEFAULTS: ExponentialDelayOptions = {
  initialBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  backoffMultiplier: 1.5,
  resetBackoffThresholdMs: 3_600_000,
  jitterFactor: 0.1,
  attemptsBeforeResetBackoff: Number.POSITIVE_INFINITY,
};

/** What applies when `restart-strategy.type` is not set. */
export const defaultRestartStrategy = (checkpointing: boolean): RestartStrategyOptions =>
  checkpointing ? { kind: 'exponential-delay', ...EXPONENTIAL_DELAY_DEFAULTS } : { kind: 'none' };

const NO_RESTART: RestartStrategy = {
  failed: () => ({ kind: 'give-up', reason: 'the restart strategy is none' }),
  counts: () => ({}),
  resume: () => {},
};

export const createRestartStrategy = (options: RestartStrategyOptions, random: Random): RestartStrategy => {
  switch (options.kind) {
    case 'none':
      return NO_RESTART;
    case 'fixed-delay':
      return new FixedDelay(options);
    case 'failure-rate':
      return new FailureRate(options);
    case 'exponential-delay':
      return new ExponentialDelay(options, random);
    default:
      return unreachable(options, 'restart strategy');
  }
};
