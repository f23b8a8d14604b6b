import { MessageChannel } from 'node:worker_threads';
import type { Clock } from '../../foundation/common/clock.ts';
import { errorInfo, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { ThreadChannel } from '../network/thread-port.ts';
import type { StartThread, ThreadHost } from './thread-host.ts';
import type { ThreadCommand, ThreadReport } from './thread-protocol.ts';

export interface ThreadPoolEvents {
  report(thread: number, report: ThreadReport): void;
  /** Nothing of the thread runs any more. */
  died(thread: number, error: MillraceError): void;
  /** It was told to end and does not; only the end of the process ends it. What waits for its end goes on waiting. */
  stuck(error: MillraceError): void;
}

/** JavaScript can be ended anywhere, within milliseconds; a call of the operating system cannot. */
export const THREAD_END_MS = 10_000;

interface RunningThread {
  readonly host: ThreadHost;
  ending: Promise<void> | undefined;
}

/** The threads of a TaskManager, each connected with every other. One that died is started again when it is needed. */
export class ThreadPool {
  readonly size: number;
  readonly #startThread: StartThread;
  readonly #events: ThreadPoolEvents;
  readonly #clock: Clock;
  readonly #threads = new Map<number, RunningThread>();
  /** Threads that end so that a clean one takes their place. */
  readonly #replaced = new Set<number>();
  /** By thread: what waits until all replaced ones are there again. */
  readonly #held = new Map<number, ThreadCommand[]>();
  #stopped = false;

  constructor(size: number, startThread: StartThread, events: ThreadPoolEvents, clock: Clock) {
    this.size = size;
    this.#startThread = startThread;
    this.#events = events;
    this.#clock = clock;
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
        if (this.#threads.get(index)?.host === host && !this.#replaced.has(index)) {
          this.#events.report(index, report);
        }
      },
      died: (error) => this.#died(index, host, error),
    });
    for (const [peer, other] of this.#threads) {
      const { port1, port2 }: ThreadChannel = host.channel?.() ?? new MessageChannel();
      host.send({ kind: 'connect', peer, port: port1 }, [port1]);
      other.host.send({ kind: 'connect', peer: index, port: port2 }, [port2]);
    }
    this.#threads.set(index, { host, ending: undefined });
  }

  /** A thread that does not run gets nothing. */
  send(index: number, command: ThreadCommand): void {
    const held = this.#held.get(index);
    if (held !== undefined) {
      held.push(command);
    } else if (this.#replaced.has(index) || (command.kind === 'deploy' && this.#replaced.size > 0)) {
      // Tasks may connect to a thread that is not there yet.
      this.#held.set(index, [command]);
    } else {
      this.#threads.get(index)?.host.send(command);
    }
  }

  /**
   * Ends these threads at once and starts others in their place, which get what is sent from now on. Of the old ones nothing
   * is reported any more; `died` only where no other can be started. Resolves when the old ones have ended.
   */
  async replace(indices: readonly number[]): Promise<void> {
    const ends = indices.flatMap((index) => {
      const thread = this.#threads.get(index);
      if (thread !== undefined && thread.ending === undefined) {
        this.#replaced.add(index);
        thread.ending = this.#terminate(index, thread.host, 'its slot gets a clean one').then(() =>
          this.#replace(index),
        );
      }
      return thread?.ending ?? [];
    });
    await Promise.all(ends);
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
    thread.ending ??= this.#terminate(index, thread.host, error.message).then(() =>
      this.#died(index, thread.host, error),
    );
    return thread.ending;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const reason = 'the TaskManager stops';
    await Promise.all([...this.#threads].map(([index, { host }]) => this.#terminate(index, host, reason)));
    this.#threads.clear();
  }

  async #terminate(index: number, host: ThreadHost, reason: string): Promise<void> {
    const timer = this.#clock.after(THREAD_END_MS, () => {
      const message =
        `task thread ${index} was told to end ${THREAD_END_MS / 1000} s ago (${reason}) and has not: ` +
        'user code in it is in a call that cannot be interrupted, such as execSync or a read from a pipe';
      this.#events.stuck(new MillraceError('TIMEOUT', message));
    });
    await host.terminate();
    timer.cancel();
  }

  #replace(index: number): void {
    this.#replaced.delete(index);
    if (this.#stopped) {
      return;
    }
    this.#remove(index, 'its thread is replaced by a clean one');
    try {
      this.start(index);
    } catch (thrown) {
      const message = `task thread ${index} could not be started: ${messageOf(thrown)}`;
      this.#held.delete(index);
      this.#events.died(index, new MillraceError('WORKER_DIED', message, { cause: thrown, retryable: true }));
    }
    if (this.#replaced.size === 0) {
      const held = [...this.#held];
      this.#held.clear();
      held.forEach(([thread, commands]) => commands.forEach((command) => this.send(thread, command)));
    }
  }

  #died(index: number, host: ThreadHost, error: MillraceError): void {
    if (this.#stopped || this.#threads.get(index)?.host !== host) {
      return;
    }
    this.#held.delete(index);
    this.#remove(index, errorInfo(error).message);
    this.#events.died(index, error);
  }

  /** The others learn it before anybody can deploy to them again. */
  #remove(index: number, reason: string): void {
    this.#threads.delete(index);
    for (const other of this.#threads.values()) {
      other.host.send({ kind: 'disconnect', peer: index, reason });
    }
  }
}
