import type { Worker } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { HangWatch, tickMsOf } from './hang-watch.ts';
import type { ThreadCommand, ThreadReport, ZooKeeperThreadSettings } from './thread-messages.ts';
import { ThreadSignals } from './thread-signals.ts';
import type { ThreadedZooKeeperClient, ThreadPort } from './threaded-zookeeper-client.ts';

export interface ThreadWorkerOptions {
  readonly startWorker: (settings: ZooKeeperThreadSettings) => Worker;
  /** Before it starts. */
  readonly delayMs: number;
  readonly hangMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** It will not come back. */
  readonly over: () => void;
}

/** How long `close` holds this thread up for one that does not answer. */
const HANDOVER_MS = 500;
/** A thread that does nothing but wait for sockets and messages, and has not ticked for so long, never will. */
const WORKER_HANG_MS = 30_000;

/** One worker and its clients, of its start until its end. It keeps the process alive as long as it has clients. */
export class ThreadWorker implements ThreadPort {
  readonly #options: ThreadWorkerOptions;
  readonly #signals = new ThreadSignals();
  readonly #clients = new Map<number, ThreadedZooKeeperClient>();
  readonly #closing = new Map<number, () => void>();
  readonly #watch: HangWatch;
  /** Until it is started. */
  #backlog: ThreadCommand[] = [];
  #starting: TimerHandle | undefined;
  #ticking: TimerHandle | undefined;
  #worker: Worker | undefined;
  #problem: string | undefined;
  #isOver = false;
  #isTerminated = false;

  constructor(options: ThreadWorkerOptions) {
    this.#options = options;
    const { clock, hangMs, delayMs } = options;
    this.#watch = new HangWatch({
      clock,
      ticks: () => this.#signals.workerTicks,
      hangMs: delayMs + Math.max(hangMs, WORKER_HANG_MS),
      hung: () => {
        this.#problem ??= 'it hung';
        void this.#worker?.terminate();
      },
    });
    if (delayMs > 0) {
      this.#starting = clock.after(delayMs, () => this.#start());
    } else {
      this.#start();
    }
  }

  add(number: number, client: ThreadedZooKeeperClient): void {
    this.#clients.set(number, client);
    if (this.#clients.size === 1) {
      this.#worker?.ref();
      this.#tick();
    }
  }

  post(command: ThreadCommand): void {
    if (this.#worker !== undefined) {
      this.#worker.postMessage(command, []);
    } else if (!this.#isOver) {
      this.#backlog.push(structuredClone(command));
    }
  }

  async close(client: number): Promise<void> {
    if (!this.#clients.has(client)) {
      return;
    }
    if (this.#worker === undefined) {
      this.#backlog = this.#backlog.filter((command) => command.client !== client);
      this.left(client);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing.set(client, resolve);
    this.post({ kind: 'close', client });
    if (this.#signals.workerTicks > 0) {
      // The process may end right after this call.
      this.#signals.awaitHandedOver(client, HANDOVER_MS);
    }
    await promise;
  }

  left(client: number): void {
    if (this.#clients.delete(client) && this.#clients.size === 0) {
      this.#ticking?.cancel();
      this.#worker?.unref();
      if (this.#worker === undefined) {
        this.#end();
      }
    }
  }

  /** Resolves when the thread has ended. Its clients hear that it is dead. */
  async terminate(): Promise<void> {
    this.#isTerminated = true;
    await this.#worker?.terminate();
    this.#end();
  }

  /** As if it had died by itself; resolves when it has. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** As `close` of each of them. */
  async closeClients(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  #start(): void {
    const { startWorker, hangMs, logger } = this.#options;
    const worker = startWorker({ signals: this.#signals.buffer, hangMs });
    this.#worker = worker;
    worker.on('message', (reports: readonly ThreadReport[]) => reports.forEach((report) => this.#take(report)));
    worker.on('error', (error) => {
      this.#problem ??= messageOf(error);
    });
    // Only now nothing of it runs any more, and all that it said was heard.
    worker.on('exit', (code) => {
      if (!this.#isTerminated) {
        logger.warn(
          `The thread of the ZooKeeper sessions has ended (${this.#problem ?? `exit code ${code}`}): new sessions begin in a new one`,
        );
      }
      this.#end();
    });
    this.#backlog.splice(0).forEach((command) => this.post(command));
  }

  #take(report: ThreadReport): void {
    if (report.kind === 'log') {
      this.#options.logger[report.level](report.message, report.fields);
      return;
    }
    if (report.kind === 'closed') {
      this.#closed(report.client);
      return;
    }
    this.#clients.get(report.client)?.take(report);
  }

  #closed(client: number): void {
    this.#closing.get(client)?.();
    this.#closing.delete(client);
    this.left(client);
  }

  #tick(): void {
    this.#signals.tickMain();
    this.#watch.look();
    this.#ticking = this.#options.clock.after(tickMsOf(this.#options.hangMs), () => this.#tick());
  }

  #end(): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#starting?.cancel();
    this.#ticking?.cancel();
    this.#backlog = [];
    this.#options.over();
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    clients.forEach((client) => client.died());
    for (const client of [...this.#closing.keys()]) {
      this.#closed(client);
    }
  }
}
