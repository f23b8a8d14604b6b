import { Worker } from 'node:worker_threads';
import { checkZooKeeperOptions } from '../../coordination/zookeeper/client/connect-zookeeper.ts';
import type { ZooKeeperClient } from '../../coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../coordination/zookeeper/client/zookeeper-error.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { workerEntry } from '../worker-entries.ts';
import type { ThreadClientOptions, ZooKeeperThreadSettings } from './thread-messages.ts';
import { ThreadWorker } from './thread-worker.ts';
import { ThreadedZooKeeperClient } from './threaded-zookeeper-client.ts';

export interface ZooKeeperThreadOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * When the thread that made this has been held up for so many milliseconds, it hangs: its sessions are left to end. Until then they
   * live, however short their timeout is.
   */
  readonly hangMs: number;
  /** For tests of threads that are no good. */
  readonly startWorker?: (settings: ZooKeeperThreadSettings) => Worker;
}

/** Between the starts of two threads: what ended one may end the next one too. */
const RESTART_PAUSE_MS = 1_000;

/**
 * ZooKeeper sessions in a thread of their own: what holds this thread up does not keep them from their pings. All clients of a process
 * share one worker, as they share the thread whose signs of life it watches, and a worker costs tens of milliseconds and megabytes. A
 * worker that dies takes its sessions along; the next client gets a new one.
 */
export class ZooKeeperThread {
  readonly #options: ZooKeeperThreadOptions;
  #worker: ThreadWorker | undefined;
  #startsAtMs = -Infinity;
  #threads = 0;
  #clients = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ZooKeeperThreadOptions) {
    if (!(options.hangMs > 0)) {
      throw new ZooKeeperError('BAD_ARGUMENTS', 'thread', undefined, 'hangMs is a number of milliseconds');
    }
    this.#options = options;
  }

  /** A client that begins to connect. Throws BAD_ARGUMENTS, and SESSION_CLOSED after `close`. */
  connect(options: ThreadClientOptions): ZooKeeperClient {
    if (this.#closing !== undefined) {
      throw new ZooKeeperError('SESSION_CLOSED', 'connect', undefined, 'the thread of the sessions was closed');
    }
    const { operationsMax } = checkZooKeeperOptions(options);
    const number = ++this.#clients;
    this.#worker ??= this.#newWorker();
    const port = this.#worker;
    const client = new ThreadedZooKeeperClient({ number, port, operationsMax });
    port.add(number, client);
    try {
      port.post({ kind: 'connect', client: number, options: portable(options) });
    } catch {
      port.left(number);
      throw new ZooKeeperError('BAD_ARGUMENTS', 'connect', undefined, 'an option is none of those that there are');
    }
    return client;
  }

  /** Closes all clients, then ends the thread; resolves when it has. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** How many were started. */
  get threads(): number {
    return this.#threads;
  }

  /** As if the thread had died; resolves when it has. */
  async endWorker(): Promise<void> {
    await this.#worker?.kill();
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    await worker?.closeClients();
    await worker?.terminate();
  }

  #newWorker(): ThreadWorker {
    const { clock, logger, hangMs, startWorker = startZooKeeperWorker } = this.#options;
    const nowMs = clock.monotonic();
    const delayMs = Math.max(0, this.#startsAtMs + RESTART_PAUSE_MS - nowMs);
    this.#startsAtMs = nowMs + delayMs;
    const worker = new ThreadWorker({
      ...{ delayMs, hangMs, clock, logger },
      startWorker: (settings) => {
        this.#threads++;
        return startWorker(settings);
      },
      over: () => {
        if (this.#worker === worker) {
          this.#worker = undefined;
        }
      },
    });
    return worker;
  }
}

/** The worker starts with the first client. */
export const startZooKeeperThread = (options: ZooKeeperThreadOptions): ZooKeeperThread => new ZooKeeperThread(options);

/** Nothing but what a message can carry, whatever else the object has. */
const portable = ({
  connectString,
  sessionTimeoutMs,
  session,
  sasl,
  tls,
  auth,
  acl,
  connectionTimeoutMs,
  retryPauseMs,
  operationsMax,
  requestBytesMax,
  frameBytesMax,
}: ThreadClientOptions): ThreadClientOptions => ({
  connectString,
  ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
  ...(session === undefined ? {} : { session }),
  ...(sasl === undefined ? {} : { sasl }),
  ...(tls === undefined ? {} : { tls }),
  ...(auth === undefined ? {} : { auth }),
  ...(acl === undefined ? {} : { acl }),
  ...(connectionTimeoutMs === undefined ? {} : { connectionTimeoutMs }),
  ...(retryPauseMs === undefined ? {} : { retryPauseMs }),
  ...(operationsMax === undefined ? {} : { operationsMax }),
  ...(requestBytesMax === undefined ? {} : { requestBytesMax }),
  ...(frameBytesMax === undefined ? {} : { frameBytesMax }),
});

const startZooKeeperWorker = (settings: ZooKeeperThreadSettings): Worker =>
  new Worker(workerEntry('zookeeper-thread'), {
    workerData: settings,
    name: 'zookeeper-thread',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
  });

/** Requests and answers of one moment; see `startWorkerThread` for what more would cost. */
const YOUNG_GENERATION_MIB = 24;
