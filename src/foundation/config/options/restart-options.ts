import { durationType, enumType, floatType, integerType } from '../option-type.ts';
import { option } from '../option.ts';

const prefix = 'restart-strategy';

/** What happens after a task has failed. */
export const restartOptions = {
  type: option(
    enumType(['none', 'fixed-delay', 'failure-rate', 'exponential-delay'], { off: 'none', disable: 'none' }),
    {
      key: `${prefix}.type`,
      deprecatedKeys: [prefix],
      defaultText: 'exponential-delay with checkpointing, else none',
      description: 'Whether and when a failed job is started again.',
    },
  ),
  exponentialInitialBackoff: option(durationType, {
    key: `${prefix}.exponential-delay.initial-backoff`,
    default: '1 s',
    description: 'The first pause that is made.',
    differs: {
      flink: '1 s, from the first restart',
      here: '1 s, from the second; the first after a quiet hour, or after a lost TaskManager, is at once',
      reason: 'output again within a second',
    },
  }),
  exponentialMaxBackoff: option(durationType, {
    key: `${prefix}.exponential-delay.max-backoff`,
    default: '1 min',
    description: 'The longest pause.',
  }),
  exponentialMultiplier: option(floatType({ min: 1 }), {
    key: `${prefix}.exponential-delay.backoff-multiplier`,
    default: '1.5',
    description: 'The pause grows by this factor with each failure.',
  }),
  exponentialResetThreshold: option(durationType, {
    key: `${prefix}.exponential-delay.reset-backoff-threshold`,
    default: '1 h',
    description: 'After this long without a failure the pause is the first one again.',
  }),
  exponentialJitter: option(floatType({ min: 0, max: 1 }), {
    key: `${prefix}.exponential-delay.jitter-factor`,
    default: '0.1',
    description: 'Random part of the pause, up or down, so that jobs do not all start at once.',
  }),
  exponentialAttempts: option(integerType({ min: 0, infinite: true }), {
    key: `${prefix}.exponential-delay.attempts-before-reset-backoff`,
    default: 'infinite',
    description: 'Restarts before the job fails for good, counted since the last quiet time.',
  }),
  fixedAttempts: option(integerType({ min: 0, infinite: true }), {
    key: `${prefix}.fixed-delay.attempts`,
    default: '1',
    description: 'Restarts before the job fails for good.',
  }),
  fixedDelay: option(durationType, {
    key: `${prefix}.fixed-delay.delay`,
    default: '1 s',
    description: 'Pause before each restart.',
  }),
  rateMaxFailures: option(integerType({ min: 1 }), {
    key: `${prefix}.failure-rate.max-failures-per-interval`,
    default: '1',
    description: 'Failures within the window before the job fails for good.',
  }),
  rateInterval: option(durationType, {
    key: `${prefix}.failure-rate.failure-rate-interval`,
    default: '1 min',
    description: 'The window.',
  }),
  rateDelay: option(durationType, {
    key: `${prefix}.failure-rate.delay`,
    default: '1 s',
    description: 'Pause before each restart.',
  }),
  failoverStrategy: option(enumType(['region', 'full']), {
    key: 'jobmanager.execution.failover-strategy',
    default: 'region',
    description: 'What restarts after a failure: the tasks connected with the failed one, or the whole job.',
  }),
  attemptsHistorySize: option(integerType({ min: 1 }), {
    key: 'jobmanager.execution.attempts-history-size',
    deprecatedKeys: ['job-manager.max-attempts-history-size'],
    default: '16',
    description: 'Past attempts remembered for each subtask.',
    isUsed: false,
  }),
};
