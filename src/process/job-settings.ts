import { availableParallelism, totalmem } from 'node:os';
import type { Configuration } from '../foundation/config/configuration.ts';
import { executionOptions } from '../foundation/config/options/execution-options.ts';
import { restartOptions } from '../foundation/config/options/restart-options.ts';
import { taskManagerOptions } from '../foundation/config/options/taskmanager-options.ts';
import type { CheckpointingPlan } from '../pipeline/graph/job-graph.ts';
import type { RestartStrategyOptions } from '../runtime/jobmanager/failover/restart-strategy.ts';
import { EXPONENTIAL_DELAY_DEFAULTS } from '../runtime/jobmanager/failover/restart-strategy.ts';
import type { ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';

const MIB = 1_048_576;
const DEFAULT_INLINE_THRESHOLD = 20 * 1024;
const METRICS_INTERVAL_MS = 500;
/** Threads share the machine: together they may take this part of its memory by default. */
const HEAP_SHARE = 0.7;
const LARGEST_DEFAULT_HEAP_MIB = 4096;

/** `undefined`: what applies when nothing is set. */
export const restartStrategyOf = (configuration: Configuration): RestartStrategyOptions | undefined => {
  const get = configuration.get.bind(configuration);
  switch (get(restartOptions.type)) {
    case 'none':
      return { kind: 'none' };
    case 'fixed-delay':
      return {
        kind: 'fixed-delay',
        attempts: get(restartOptions.fixedAttempts),
        delayMs: get(restartOptions.fixedDelay),
      };
    case 'failure-rate':
      return {
        kind: 'failure-rate',
        maxFailuresPerInterval: get(restartOptions.rateMaxFailures),
        intervalMs: get(restartOptions.rateInterval),
        delayMs: get(restartOptions.rateDelay),
      };
    case 'exponential-delay':
      return {
        ...EXPONENTIAL_DELAY_DEFAULTS,
        kind: 'exponential-delay',
        initialBackoffMs: get(restartOptions.exponentialInitialBackoff),
        maxBackoffMs: get(restartOptions.exponentialMaxBackoff),
        backoffMultiplier: get(restartOptions.exponentialMultiplier),
        resetBackoffThresholdMs: get(restartOptions.exponentialResetThreshold),
        jitterFactor: get(restartOptions.exponentialJitter),
        attemptsBeforeResetBackoff: get(restartOptions.exponentialAttempts),
      };
    case undefined:
      return undefined;
  }
};

/** Threads for `slots` slots on this machine: more than cores would only take memory (measured: 12 MB each). */
export const threadsFor = (slots: number): number => Math.max(1, Math.min(slots, availableParallelism()));

export const threadSettingsOf = (
  configuration: Configuration,
  checkpointing: CheckpointingPlan | undefined,
): Omit<ThreadSettings, 'index'> => {
  const timeoutMs = configuration.get(executionOptions.bufferTimeout);
  const offHeap = configuration.get(taskManagerOptions.taskOffHeap);
  return {
    bufferTimeoutMs: configuration.get(executionOptions.bufferTimeoutEnabled) ? timeoutMs : -1,
    batchBytes: configuration.get(taskManagerOptions.segmentSize),
    channelCredit: configuration.get(taskManagerOptions.buffersPerChannel),
    inlineThresholdBytes: checkpointing?.inlineThresholdBytes ?? DEFAULT_INLINE_THRESHOLD,
    metricsIntervalMs: METRICS_INTERVAL_MS,
    arrayBufferLimitBytes: offHeap === 0 ? Number.POSITIVE_INFINITY : offHeap,
  };
};

/** The heap limit of one thread. Always set: a worker without a limit takes the whole process with it. */
export const threadHeapMiB = (configuration: Configuration, threads: number): number => {
  const set = configuration.get(taskManagerOptions.taskHeap);
  return set === undefined
    ? Math.min(LARGEST_DEFAULT_HEAP_MIB, Math.floor((totalmem() * HEAP_SHARE) / threads / MIB))
    : Math.max(16, Math.floor(set / MIB));
};
