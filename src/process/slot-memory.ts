import { MillraceError } from '../foundation/common/errors.ts';
import { formatMemorySize } from '../foundation/common/memory-size.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { taskManagerOptions } from '../foundation/config/options/taskmanager-options.ts';
import type { MemoryLimits } from '../runtime/taskmanager/memory-guard.ts';
import { memoryLimitsOf } from './job-settings.ts';

const MIB = 1_048_576;
/** Node itself, code, and the heap of the main thread (measured: 75 MiB resident at rest). */
const PROCESS_OWN_BYTES = 96 * MIB;
/** What a thread takes beside the heap that counts: its young generation, stack, code (measured: 20 MiB). */
const THREAD_OWN_BYTES = 24 * MIB;
/** With less a small job does not run. */
const LEAST_HEAP_BYTES = 48 * MIB;
const LEAST_OFF_HEAP_BYTES = 16 * MIB;
/** Of what is left to the threads; the rest is for buffers. */
const HEAP_SHARE = 2 / 3;
/**
 * Of the process; when all of it is in use, the thread that takes most has to go. What a thread allocates until that is noticed
 * (measured: up to 5 % of 400 MiB) must not reach the limit, beyond which a container kills the process.
 */
const USED_SHARE = 0.9;

/**
 * The memory of a TaskManager process, divided among its slots, each a thread: nine tenths of
 * `taskmanager.memory.process.size` less what the process takes for itself. Errors: BAD_OPTION for a total that is too small.
 */
export const slotMemoryOf = (configuration: Configuration, slots: number): MemoryLimits => {
  const { processMemory, taskHeap, taskOffHeap } = taskManagerOptions;
  const processBytes = configuration.get(processMemory);
  if (processBytes === undefined) {
    return memoryLimitsOf(configuration, slots);
  }
  const [heap, offHeap] = [configuration.get(taskHeap), configuration.get(taskOffHeap)];
  const own = PROCESS_OWN_BYTES + slots * THREAD_OWN_BYTES;
  const leastUsedBytes = own + slots * ((heap ?? LEAST_HEAP_BYTES) + (offHeap ?? LEAST_OFF_HEAP_BYTES));
  const leastBytes = Math.ceil(leastUsedBytes / USED_SHARE / MIB) * MIB;
  if (processBytes < leastBytes) {
    throw tooSmall(configuration, slots, leastBytes);
  }
  const usedBytes = processBytes * USED_SHARE;
  const each = (usedBytes - own) / slots;
  const heapBytes = heap ?? Math.max(LEAST_HEAP_BYTES, offHeap === undefined ? each * HEAP_SHARE : each - offHeap);
  return {
    heapBytes,
    offHeapBytes: offHeap ?? each - heapBytes,
    processBytes: usedBytes,
    processKey: processMemory.key,
  };
};

const tooSmall = (configuration: Configuration, slots: number, leastBytes: number): MillraceError => {
  const { processMemory, slots: slotsOption, taskHeap, taskOffHeap } = taskManagerOptions;
  const parts = [taskHeap, taskOffHeap].filter((option) => configuration.isSet(option));
  const set = parts.map((option) => `${option.key}: ${formatMemorySize(configuration.get(option) ?? 0)}`).join(' and ');
  const least = formatMemorySize(leastBytes);
  const given = formatMemorySize(configuration.get(processMemory) ?? 0);
  return new MillraceError(
    'BAD_OPTION',
    `${processMemory.key} is ${given} (${configuration.origin(processMemory)}), too little for ${slotsOption.key}: ${slots}` +
      `${set === '' ? '' : ` with ${set} for each`}; allowed: ${least} or more, or fewer slots`,
  );
};
