import { unreachable } from '../../foundation/common/assert.ts';
import type { Duration } from '../../foundation/common/duration.ts';
import { restartOptions } from '../../foundation/config/options/restart-options.ts';
import { durationSetting, setting, type Setting } from './settings.ts';

/** What happens after a task has failed; what is not given is as configured. */
export type RestartStrategy =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed-delay'; readonly attempts?: number; readonly delay?: Duration }
  | {
      readonly kind: 'failure-rate';
      readonly maxFailuresPerInterval?: number;
      readonly interval?: Duration;
      readonly delay?: Duration;
    }
  | {
      readonly kind: 'exponential-delay';
      readonly initialBackoff?: Duration;
      readonly maxBackoff?: Duration;
      readonly multiplier?: number;
      /** After this long without a failure the delay is the first one again. */
      readonly resetThreshold?: Duration;
      /** Random part of the delay, from 0 to 1. */
      readonly jitter?: number;
      /** Restarts before the job fails for good. */
      readonly attempts?: number;
    };

export const restartSettings = (strategy: RestartStrategy): readonly Setting[] => {
  const options = restartOptions;
  const type = setting(options.type, strategy.kind);
  switch (strategy.kind) {
    case 'none':
      return type;
    case 'fixed-delay':
      return [
        ...type,
        ...setting(options.fixedAttempts, strategy.attempts),
        ...durationSetting(options.fixedDelay, strategy.delay),
      ];
    case 'failure-rate':
      return [
        ...type,
        ...setting(options.rateMaxFailures, strategy.maxFailuresPerInterval),
        ...durationSetting(options.rateInterval, strategy.interval),
        ...durationSetting(options.rateDelay, strategy.delay),
      ];
    case 'exponential-delay':
      return [
        ...type,
        ...durationSetting(options.exponentialInitialBackoff, strategy.initialBackoff),
        ...durationSetting(options.exponentialMaxBackoff, strategy.maxBackoff),
        ...setting(options.exponentialMultiplier, strategy.multiplier),
        ...durationSetting(options.exponentialResetThreshold, strategy.resetThreshold),
        ...setting(options.exponentialJitter, strategy.jitter),
        ...setting(options.exponentialAttempts, strategy.attempts),
      ];
    default:
      return unreachable(strategy, 'restart strategy');
  }
};
