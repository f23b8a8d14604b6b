import { availableParallelism, totalmem } from 'node:os';
import type { Configuration } from '../foundation/config/configuration.ts';
import { executionOptions } from '../foundation/config/options/execution-options.ts';
import { jobManagerOptions } from '../foundation/config/options/jobmanager-options.ts';
import { restartOptions } from '../foundation/config/options/restart-options.ts';
import { taskManagerOptions } from '../foundation/config/options/taskmanager-options.ts';
import type { CheckpointingPlan } from '../pipeline/graph/job-graph.ts';
import type { RestartStrategyOptions } from '../runtime/jobmanager/failover/restart-strategy.ts';
import { EXPONENTIAL_DELAY_DEFAULTS } from '../runtime/jobmanager/failover/restart-strategy.ts';
import type { MemoryLimits } from '../runtime/taskmanager/memory-guard.ts';
import type { MemoryWatchOptions } from '../runtime/taskmanager/memory-watch.ts';
import type { ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';

const MIB = 1_048_576;
const DEFAULT_INLINE_THRESHOLD = 20 * 1024;
const METRICS_INTERVAL_MS = 500;
/** Threads share the machine: together they may take these parts of its memory by default. */
const HEAP_SHARE = 0.6;
const OFF_HEAP_SHARE = 0.3;
/** The process as a whole: what is left keeps the machine alive. */
const PROCESS_SHARE = 0.9;
const LARGEST_DEFAULT_HEAP_MIB = 4096;
const MEMORY_INTERVAL_MS = 50;
/** Who has a limit of their own (a container, mostly) is ended by others beyond it. A look takes 30 microseconds. */
const STRICT_MEMORY_INTERVAL_MS = 10;

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
  return {
    bufferTimeoutMs: configuration.get(executionOptions.bufferTimeoutEnabled) ? timeoutMs : -1,
    batchBytes: configuration.get(taskManagerOptions.segmentSize),
    channelCredit: configuration.get(taskManagerOptions.buffersPerChannel),
    floatingCredit: configuration.get(taskManagerOptions.floatingBuffersPerGate),
    inlineThresholdBytes: checkpointing?.inlineThresholdBytes ?? DEFAULT_INLINE_THRESHOLD,
    metricsIntervalMs: METRICS_INTERVAL_MS,
  };
};

/** What there is for this process: a container may give less than the machine has. */
const availableBytes = (): number => {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
};

/** Limits of the threads' memory. There always is one: a thread without takes the process, or the machine, with it. */
export const memoryLimitsOf = (configuration: Configuration, threads: number): MemoryLimits => {
  const heap = configuration.get(taskManagerOptions.taskHeap);
  const offHeap = configuration.get(taskManagerOptions.taskOffHeap);
  const available = availableBytes();
  return {
    heapBytes: Math.max(16 * MIB, heap ?? Math.min(LARGEST_DEFAULT_HEAP_MIB * MIB, (available * HEAP_SHARE) / threads)),
    offHeapBytes: Math.max(16 * MIB, offHeap ?? (available * OFF_HEAP_SHARE) / threads),
    processBytes: available * PROCESS_SHARE,
  };
};

/** Limits of the thread that runs a job's own enumerators. */
export const userCodeLimitsOf = (
  configuration: Configuration,
): { readonly heapBytes: number; readonly offHeapBytes: number } => ({
  heapBytes: Math.max(16 * MIB, configuration.get(jobManagerOptions.userCodeHeap)),
  offHeapBytes: Math.max(16 * MIB, configuration.get(jobManagerOptions.userCodeOffHeap)),
});

export const memoryWatchOf = (limits: MemoryLimits): MemoryWatchOptions => ({
  limits,
  intervalMs: limits.processKey === undefined ? MEMORY_INTERVAL_MS : STRICT_MEMORY_INTERVAL_MS,
  residentBytes: () => process.memoryUsage.rss(),
});
