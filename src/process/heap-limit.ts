import { setFlagsFromString } from 'node:v8';
import { MillraceError } from '../foundation/common/errors.ts';
import { formatMemorySize } from '../foundation/common/memory-size.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { jobManagerOptions } from '../foundation/config/options/jobmanager-options.ts';

const MIB = 1_048_576;
/** Node itself, code, stacks, the thread that stands in for the main one (measured: 60 MiB). */
const PROCESS_OWN_BYTES = 96 * MIB;
const LEAST_HEAP_BYTES = 64 * MIB;
/** V8 keeps three of these beside the old generation; by default they grow to 192 MiB, which no limit would count. */
const SEMI_SPACE_MIB = 8;
const YOUNG_GENERATION_MIB = 3 * SEMI_SPACE_MIB;

const HEAP_FLAG = '--max-old-space-size=';

/** The heap of a JobManager's main thread; `undefined`: what Node takes. Errors: BAD_OPTION for a total that is too small. */
export const jobManagerHeapOf = (configuration: Configuration): number | undefined => {
  const { processMemory, heap: heapOption, offHeap: offHeapOption } = jobManagerOptions;
  const [processBytes, heap] = [configuration.get(processMemory), configuration.get(heapOption)];
  if (heap !== undefined && heap < LEAST_HEAP_BYTES) {
    throw new MillraceError(
      'BAD_OPTION',
      `${heapOption.key} is ${formatMemorySize(heap)} (${configuration.origin(heapOption)}); allowed: ` +
        `${formatMemorySize(LEAST_HEAP_BYTES)} or more`,
    );
  }
  if (processBytes === undefined) {
    return heap;
  }
  const offHeap = configuration.get(offHeapOption);
  const leastBytes = PROCESS_OWN_BYTES + offHeap + (heap ?? LEAST_HEAP_BYTES);
  if (processBytes < leastBytes) {
    const parts = [
      ...(heap === undefined ? [] : [[heapOption.key, heap] as const]),
      [offHeapOption.key, offHeap] as const,
    ];
    throw new MillraceError(
      'BAD_OPTION',
      `${processMemory.key} is ${formatMemorySize(processBytes)} (${configuration.origin(processMemory)}), too little with ` +
        `${parts.map(([key, bytes]) => `${key}: ${formatMemorySize(bytes)}`).join(' and ')}; allowed: ` +
        `${formatMemorySize(Math.ceil(leastBytes / MIB) * MIB)} or more`,
    );
  }
  return heap ?? processBytes - PROCESS_OWN_BYTES - offHeap;
};

/**
 * Gives this process the heap that its configuration names. V8 takes the limit of a heap at its start and not later (measured: set while
 * the process runs it is ignored), so the process becomes a new one in its place, of the same number, with the same arguments; this
 * does not return then. To be called before anything is opened.
 */
export const limitHeap = (configuration: Configuration): void => {
  const heapBytes = jobManagerHeapOf(configuration);
  if (heapBytes === undefined) {
    return;
  }
  const flag = `${HEAP_FLAG}${Math.floor(heapBytes / MIB) - YOUNG_GENERATION_MIB}`;
  if (process.execArgv.includes(flag)) {
    // It counts for the heap that there is; threads that start from now on have limits of their own, which it would override.
    setFlagsFromString(`${HEAP_FLAG}0`);
    return;
  }
  const [, ...args] = process.argv;
  const kept = process.execArgv.filter((arg) => !arg.startsWith(HEAP_FLAG));
  const flags = [...kept, `--max-semi-space-size=${SEMI_SPACE_MIB}`, flag];
  if (process.execve === undefined) {
    throw new MillraceError(
      'UNSUPPORTED',
      `a process cannot be given a heap of ${formatMemorySize(heapBytes)} on this platform; start it with node ${flag}, or ` +
        `leave ${jobManagerOptions.processMemory.key} and ${jobManagerOptions.heap.key} out`,
    );
  }
  process.execve(process.execPath, [process.execPath, ...flags, ...args], process.env);
};
