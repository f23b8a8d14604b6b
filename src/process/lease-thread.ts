import { Worker } from 'node:worker_threads';
import type { LeaseRenewer } from '../coordination/embedded/lease-renewer.ts';
import type { Lease } from '../coordination/embedded/lease.ts';
import type { Leadership } from '../coordination/leadership.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { messageOf } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import { workerEntry } from './worker-entries.ts';

export interface LeaseThreadOptions {
  /** Of the embedded store, on the local file system. */
  readonly folder: string;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the thread gets with its start. */
export interface LeaseThreadSettings {
  readonly folder: string;
  readonly lease: Lease;
  /** Counts the signs of life of the main thread. */
  readonly ticks: Int32Array<SharedArrayBuffer>;
}

export type LeaseCommand = { readonly kind: 'start'; readonly leadership: Leadership } | { readonly kind: 'stop' };

/** `sentAtMs`: in the time that all threads of the process share. */
export interface LeaseAnswer {
  readonly epoch: number;
  readonly sentAtMs: number;
}

interface Run {
  readonly leadership: Leadership;
  readonly answered: (sentAtMs: number) => void;
}

/** Milliseconds on the clock that all threads of a process share; `performance.now` begins anew in each. */
export const sharedMonotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Renews in a thread of its own; one that dies is started again. */
export class LeaseThread implements LeaseRenewer {
  readonly #options: LeaseThreadOptions;
  readonly #ticks = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker;
  #run: Run | undefined;
  #isClosed = false;

  constructor(options: LeaseThreadOptions) {
    this.#options = options;
    this.#worker = this.#startWorker();
  }

  start(leadership: Leadership, answered: (sentAtMs: number) => void): void {
    this.#run = { leadership, answered };
    this.#send({ kind: 'start', leadership });
  }

  tick(): void {
    Atomics.add(this.#ticks, 0, 1);
  }

  stop(): void {
    this.#run = undefined;
    this.#send({ kind: 'stop' });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#run = undefined;
    await this.#worker.terminate();
  }

  /** As if the thread had died; resolves when it has. */
  async endWorker(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(command: LeaseCommand): void {
    if (!this.#isClosed) {
      this.#worker.postMessage(command, []);
    }
  }

  #startWorker(): Worker {
    const { folder, lease, logger, clock } = this.#options;
    const workerData: LeaseThreadSettings = { folder, lease, ticks: this.#ticks };
    const worker = new Worker(workerEntry('lease-thread'), { workerData, name: 'lease-thread' });
    worker.on('message', ({ epoch, sentAtMs }: LeaseAnswer) => {
      if (epoch === this.#run?.leadership.epoch) {
        this.#run.answered(sentAtMs - sharedMonotonicMs() + clock.monotonic());
      }
    });
    worker.on('error', (error) => logger.warn(`the thread that renews the lease has died: ${messageOf(error)}`));
    worker.on('exit', () => {
      if (!this.#isClosed) {
        // Not at once: what ended it may end the next one too.
        clock.after(lease.renewalMs / 2, () => this.#restart());
      }
    });
    return worker;
  }

  #restart(): void {
    if (!this.#isClosed) {
      this.#worker = this.#startWorker();
      if (this.#run !== undefined) {
        this.#send({ kind: 'start', leadership: this.#run.leadership });
      }
    }
  }
}
