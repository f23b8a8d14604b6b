import { MessageChannel } from 'node:worker_threads';
import { errorInfo } from '../../foundation/common/errors.ts';
import type { MillraceError } from '../../foundation/common/errors.ts';
import type { StartThread, ThreadHost } from './thread-host.ts';
import type { ThreadCommand, ThreadReport } from './thread-protocol.ts';

export interface ThreadPoolEvents {
  report(thread: number, report: ThreadReport): void;
  /** Nothing of the thread runs any more. */
  died(thread: number, error: MillraceError): void;
}

interface RunningThread {
  readonly host: ThreadHost;
  ending: Promise<void> | undefined;
}

/** The threads of a TaskManager, each connected with every other. One that died is started again when it is needed. */
export class ThreadPool {
  readonly size: number;
  readonly #startThread: StartThread;
  readonly #events: ThreadPoolEvents;
  readonly #threads = new Map<number, RunningThread>();
  #stopped = false;

  constructor(size: number, startThread: StartThread, events: ThreadPoolEvents) {
    this.size = size;
    this.#startThread = startThread;
    this.#events = events;
    for (let index = 0; index < size; index++) {
      this.start(index);
    }
  }

  /** Starts the thread unless it runs; throws what starting it throws. */
  start(index: number): void {
    if (this.#stopped || this.#threads.has(index)) {
      return;
    }
    const host: ThreadHost = this.#startThread(index, {
      report: (report) => {
        if (this.#threads.get(index)?.host === host) {
          this.#events.report(index, report);
        }
      },
      died: (error) => this.#died(index, host, error),
    });
    for (const [peer, other] of this.#threads) {
      const { port1, port2 } = new MessageChannel();
      host.send({ kind: 'connect', peer, port: port1 }, [port1]);
      other.host.send({ kind: 'connect', peer: index, port: port2 }, [port2]);
    }
    this.#threads.set(index, { host, ending: undefined });
  }

  /** A thread that does not run gets nothing. */
  send(index: number, command: ThreadCommand): void {
    this.#threads.get(index)?.host.send(command);
  }

  running(): readonly (readonly [number, ThreadHost])[] {
    return [...this.#threads]
      .filter(([, { ending }]) => ending === undefined)
      .map(([index, { host }]) => [index, host]);
  }

  /** Ends the thread, as a crash would; resolves when it is gone and that is reported. */
  end(index: number, error: MillraceError): Promise<void> {
    const thread = this.#threads.get(index);
    if (thread === undefined) {
      return Promise.resolve();
    }
    thread.ending ??= thread.host.terminate().then(() => this.#died(index, thread.host, error));
    return thread.ending;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#threads.values()].map(({ host }) => host.terminate()));
    this.#threads.clear();
  }

  #died(index: number, host: ThreadHost, error: MillraceError): void {
    if (this.#stopped || this.#threads.get(index)?.host !== host) {
      return;
    }
    this.#threads.delete(index);
    // The others learn it before anybody can deploy to them again.
    for (const other of this.#threads.values()) {
      other.host.send({ kind: 'disconnect', peer: index, reason: errorInfo(error).message });
    }
    this.#events.died(index, error);
  }
}
