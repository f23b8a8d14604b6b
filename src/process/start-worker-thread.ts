import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { MillraceError, codeOf, messageOf } from '../foundation/common/errors.ts';
import { portsOfThread } from '../runtime/network/tcp/data-plane-settings.ts';
import type { StartThread } from '../runtime/taskmanager/thread-host.ts';
import type { ThreadReport, ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
import { workerEntry } from './worker-entries.ts';

export interface WorkerThreadOptions {
  readonly settings: Omit<ThreadSettings, 'index'>;
  /** The heap of one thread (`taskmanager.memory.task.heap.size`). */
  readonly heapLimitBytes: number;
}

/** As fast as Node's default (measured), and 100 MB less resident with 1 M keys and a full snapshot. */
const YOUNG_GENERATION_MIB = 24;

/**
 * What V8 may take beyond the limit before it gives up. Its own limit is a last resort: it ends the worker only when memory
 * runs out in small pieces, and the whole process when a large array or map has to grow. `MemoryGuard` acts before.
 */
const RESERVE_MIB = 8192;

/**
 * By default a thread that scavenges shares the work with helper threads and waits for them, also for one that has started
 * and lost its core. Where all cores have tasks to run that makes pauses of 10 to 100 ms out of 1 ms (measured). There is
 * one setting for the process, read at each scavenge.
 */
const scavengeAlone = (): void => setFlagsFromString('--no-parallel-scavenge');

/** Starts threads as workers: one that runs out of memory or calls `process.exit` ends alone. */
export const startWorkerThread =
  (options: WorkerThreadOptions): StartThread =>
  (index, events, dataPort) => {
    scavengeAlone();
    const { data } = options.settings;
    const settings: ThreadSettings = {
      ...options.settings,
      index,
      ...(data === undefined ? {} : { data: { ...data, ports: portsOfThread(data.ports, index, dataPort) } }),
    };
    const reserveMib = 2 * Math.ceil(options.heapLimitBytes / 1_048_576) + RESERVE_MIB;
    const worker = new Worker(workerEntry('task-thread'), {
      workerData: settings,
      name: `task-thread-${index}`,
      resourceLimits: { maxOldGenerationSizeMb: reserveMib, maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    let ended = false;
    let cause: MillraceError | undefined;
    worker.on('message', (report: ThreadReport) => {
      if (!ended) {
        events.report(report);
      }
    });
    worker.on('error', (thrown) => {
      cause ??= deathOf(thrown, index, reserveMib);
    });
    // Only now nothing of it runs any more.
    worker.on('exit', (code) => {
      if (!ended) {
        ended = true;
        events.died(cause ?? exited(index, code));
      }
    });
    return {
      send: (command, ports = []) => {
        if (!ended) {
          worker.postMessage(command, ports as Parameters<Worker['postMessage']>[1]);
        }
      },
      terminate: async () => {
        ended = true;
        await worker.terminate();
      },
      memory: async () => {
        const { used_heap_size: heapUsedBytes, external_memory: arrayBufferBytes } = await worker.getHeapStatistics();
        return { heapUsedBytes, arrayBufferBytes };
      },
    };
  };

const exited = (index: number, code: number): MillraceError =>
  new MillraceError(
    'WORKER_DIED',
    `task thread ${index} ended with exit code ${code}; user code may have called process.exit`,
    { retryable: true },
  );

const deathOf = (thrown: unknown, index: number, reserveMib: number): MillraceError =>
  codeOf(thrown) === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new MillraceError(
        'OUT_OF_MEMORY',
        `task thread ${index} ran out of memory: it needed more than ${reserveMib} MiB of heap at once; ` +
          'use more threads, or keep less state per key',
        { cause: thrown, retryable: true },
      )
    : new MillraceError('WORKER_DIED', `task thread ${index} died: ${messageOf(thrown)}`, {
        cause: thrown,
        retryable: true,
      });
