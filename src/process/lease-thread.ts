import { Worker } from 'node:worker_threads';
import type { LeaseStandIn, StandInAnswer } from '../coordination/embedded/lease-stand-in.ts';
import type { Lease } from '../coordination/embedded/lease.ts';
import type { Clock, TimerHandle } from '../foundation/common/clock.ts';
import { messageOf } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import { LeaseSignals, processMonotonicMs } from './lease-signals.ts';
import { workerEntry } from './worker-entries.ts';

export interface LeaseThreadOptions {
  /** Of the embedded store, on the local file system. */
  readonly folder: string;
  /** Of the store that was opened there. */
  readonly lineage: string;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the thread gets with its start. */
export interface LeaseThreadSettings {
  readonly folder: string;
  readonly lineage: string;
  readonly lease: Lease;
  /** Of `LeaseSignals`. */
  readonly signals: SharedArrayBuffer;
}

/** A stand-in in a thread of its own; one that dies is started again. */
export class LeaseThread implements LeaseStandIn {
  readonly #options: LeaseThreadOptions;
  readonly #signals = new LeaseSignals();
  #worker: Worker;
  #ticking: TimerHandle | undefined;
  #taken: StandInAnswer | undefined;
  #threads = 0;
  #isClosed = false;

  constructor(options: LeaseThreadOptions) {
    this.#options = options;
    this.#worker = this.#startWorker();
  }

  start(epoch: number): void {
    this.stop();
    this.#signals.lead(epoch);
    this.#tick();
  }

  answered(): void {
    this.#signals.answered();
  }

  takeAnswer(): StandInAnswer | undefined {
    const renewal = this.#signals.renewal;
    if (renewal === undefined || renewal.sentAtMs === this.#taken?.sentAtMs) {
      return undefined;
    }
    this.#taken = renewal;
    const { clock, lease, logger } = this.#options;
    logger.warn(
      `The main thread of this process was held up for more than ${lease.patienceMs} ms: another thread renewed its lease, ` +
        `as it does for ${lease.hangMs} ms`,
    );
    // In this order: a process that is paused between the two takes itself to be certain for less than it might be.
    const nowMs = clock.monotonic();
    return { epoch: renewal.epoch, sentAtMs: nowMs - (processMonotonicMs() - renewal.sentAtMs) };
  }

  stop(): void {
    this.#ticking?.cancel();
    this.#signals.lead(undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.stop();
    await this.#worker.terminate();
  }

  /** How many were started. */
  get threads(): number {
    return this.#threads;
  }

  /** As if the thread had died; resolves when it has. */
  async endWorker(): Promise<void> {
    await this.#worker.terminate();
  }

  #tick(): void {
    this.#signals.tick();
    this.#ticking = this.#options.clock.after(this.#options.lease.tickMs, () => this.#tick());
  }

  #startWorker(): Worker {
    const { folder, lineage, lease, logger, clock } = this.#options;
    this.#threads++;
    const workerData: LeaseThreadSettings = { folder, lineage, lease, signals: this.#signals.buffer };
    const worker = new Worker(workerEntry('lease-thread'), {
      workerData,
      name: 'lease-thread',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    worker.on('error', (error) =>
      logger.warn(`The thread that stands in for the main one has died: ${messageOf(error)}`),
    );
    worker.on('exit', () => {
      if (!this.#isClosed) {
        // Not at once: what ended it may end the next one too.
        clock.after(lease.renewalMs, () => this.#restart());
      }
    });
    return worker;
  }

  #restart(): void {
    if (!this.#isClosed) {
      this.#worker = this.#startWorker();
    }
  }
}

/** It looks at five numbers, and now and then reads the store. */
const YOUNG_GENERATION_MIB = 2;
