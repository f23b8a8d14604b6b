import { Worker } from 'node:worker_threads';
import type { Clock } from '../foundation/common/clock.ts';
import { codeOf, errorInfo, messageOf, MillraceError, type ErrorInfo } from '../foundation/common/errors.ts';
import { jobManagerOptions } from '../foundation/config/options/jobmanager-options.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import type { StartUserCode, UserCodeEvents } from '../runtime/jobmanager/split-coordination/user-code-thread.ts';
import type { MemoryLimits } from '../runtime/taskmanager/memory-guard.ts';
import { MemoryWatch } from '../runtime/taskmanager/memory-watch.ts';
import type { ThreadHost } from '../runtime/taskmanager/thread-host.ts';
import type { UserCodeCommand, UserCodeReport, UserCodeSettings } from './user-code-protocol.ts';
import { workerEntry } from './worker-entries.ts';

export interface UserCodeThreadOptions {
  readonly program: JobProgram;
  readonly graph: JobGraph;
  readonly limits: { readonly heapBytes: number; readonly offHeapBytes: number };
  readonly clock: Clock;
  /** A line of `console.log` and the like. */
  readonly console: (line: Extract<UserCodeReport, { kind: 'console' }>) => void;
}

/** See `startWorkerThread`: V8's own limit is a last resort, `MemoryWatch` acts before. */
const RESERVE_MIB = 8192;
const YOUNG_GENERATION_MIB = 16;
const MEMORY_INTERVAL_MS = 50;
/** How long enumerators may take to close. */
const CLOSE_MS = 2_000;

/** Starts the worker of one job's user code on the JobManager (R13): whatever that does ends this thread alone. */
export const startUserCodeThread =
  (options: UserCodeThreadOptions): StartUserCode =>
  (events) => {
    const thread = new UserCodeWorker(options, events);
    return {
      send: (call) => thread.send({ kind: 'call', call }),
      close: () => thread.close(),
      terminate: () => thread.terminate(),
    };
  };

class UserCodeWorker {
  readonly #options: UserCodeThreadOptions;
  readonly #events: UserCodeEvents;
  readonly #worker: Worker;
  readonly #taken = new SharedArrayBuffer(4);
  readonly #watch: MemoryWatch;
  #isReady = false;
  #ended = false;
  #cause: ErrorInfo | undefined;
  #closed: (() => void) | undefined;

  constructor(options: UserCodeThreadOptions, events: UserCodeEvents) {
    this.#options = options;
    this.#events = events;
    const { program, graph, limits } = options;
    const settings: UserCodeSettings = { program, graph, consoleTaken: this.#taken };
    this.#worker = new Worker(workerEntry('user-code'), {
      workerData: settings,
      name: `user-code ${graph.name}`,
      resourceLimits: {
        maxOldGenerationSizeMb: 2 * Math.ceil(limits.heapBytes / 1_048_576) + RESERVE_MIB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB,
      },
    });
    this.#worker.on('message', (report: UserCodeReport) => this.#reported(report));
    this.#worker.on('error', (thrown) => {
      this.#cause ??= errorInfo(this.#deathOf(thrown));
    });
    // Only now nothing of it runs any more.
    this.#worker.on('exit', (code) => {
      this.#closed?.();
      this.#died(this.#cause ?? errorInfo(this.#exited(code)));
    });
    this.#watch = this.#watchMemory();
  }

  send(command: UserCodeCommand): void {
    if (!this.#ended) {
      this.#worker.postMessage(command, []);
    }
  }

  async close(): Promise<void> {
    if (this.#isReady && !this.#ended) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.after(CLOSE_MS, resolve);
        this.#closed = () => {
          timer.cancel();
          resolve();
        };
        this.send({ kind: 'close' });
        this.#ended = true;
      });
    }
    await this.terminate();
  }

  async terminate(): Promise<void> {
    this.#ended = true;
    this.#watch.stop();
    await this.#worker.terminate();
  }

  #reported(report: UserCodeReport): void {
    if (report.kind === 'console') {
      this.#options.console(report);
      const taken = new Int32Array(this.#taken);
      Atomics.add(taken, 0, 1);
      Atomics.notify(taken, 0);
    } else if (report.kind === 'closed') {
      this.#closed?.();
    } else if (!this.#ended) {
      switch (report.kind) {
        case 'ready':
          this.#isReady = true;
          return this.#events.ready();
        case 'answer':
          return this.#events.answered(report.answer);
        case 'collected':
          return this.#watch.reported(0, report, true);
        case 'crashed':
          return this.#endWith(report.error);
      }
    }
  }

  #endWith(error: ErrorInfo): void {
    this.#cause ??= error;
    void this.#worker.terminate();
  }

  #died(error: ErrorInfo): void {
    this.#watch.stop();
    if (!this.#ended) {
      this.#ended = true;
      this.#events.died(error);
    }
  }

  #watchMemory(): MemoryWatch {
    const { clock, limits, graph } = this.#options;
    const host: ThreadHost = {
      send: () => {},
      terminate: () => this.terminate(),
      memory: async () => {
        const { used_heap_size: heapUsedBytes, external_memory: arrayBufferBytes } =
          await this.#worker.getHeapStatistics();
        return { heapUsedBytes, arrayBufferBytes };
      },
    };
    return new MemoryWatch(
      {
        limits: memoryLimits(limits, graph.name),
        intervalMs: MEMORY_INTERVAL_MS,
        residentBytes: () => process.memoryUsage.rss(),
      },
      {
        clock,
        threads: () => (this.#ended ? [] : [[0, host]]),
        collect: () => this.send({ kind: 'collect' }),
        end: (_thread, error) => this.#endWith(errorInfo(error)),
      },
    );
  }

  #exited(code: number): MillraceError {
    return new MillraceError(
      'WORKER_DIED',
      `${subjectOf(this.#options.graph.name)} ended with exit code ${code}; user code may have called process.exit`,
      { retryable: true },
    );
  }

  #deathOf(thrown: unknown): MillraceError {
    const isMemory = codeOf(thrown) === 'ERR_WORKER_OUT_OF_MEMORY';
    const what = isMemory ? 'ran out of memory' : 'died';
    return new MillraceError(
      isMemory ? 'OUT_OF_MEMORY' : 'WORKER_DIED',
      `${subjectOf(this.#options.graph.name)} ${what}: ${messageOf(thrown)}`,
      { cause: thrown, retryable: true },
    );
  }
}

const subjectOf = (job: string): string => `the thread of the enumerators of job "${job}"`;

/** The process as a whole is others' business: what takes most of it need not be this job's user code. */
const memoryLimits = (limits: UserCodeThreadOptions['limits'], job: string): MemoryLimits => ({
  ...limits,
  processBytes: Infinity,
  words: {
    subjectOf: () => subjectOf(job),
    heapKey: jobManagerOptions.userCodeHeap.key,
    offHeapKey: jobManagerOptions.userCodeOffHeap.key,
    heapAdvice: 'or find fewer splits at once',
  },
});
