import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { Lease } from './lease.ts';
import { StandInCore, type SignsOfLife } from './stand-in-core.ts';
import type { TransactionLog } from './transaction-log.ts';

/** Gives a leader's signs of life while the thread that leads is held up; as that thread sees it. */
export interface LeaseStandIn {
  /** It leads with this epoch: from now on it needs one. */
  start(epoch: number): void;
  /** A write of the thread that leads was answered. */
  answered(): void;
  /** The stand-in's newest write that was answered, once; `sentAtMs`: on the caller's monotonic clock, not later than it left. */
  takeAnswer(): StandInAnswer | undefined;
  stop(): void;
  /** Nothing of it runs afterwards. */
  close(): Promise<void>;
}

export interface StandInAnswer {
  readonly epoch: number;
  readonly sentAtMs: number;
}

export interface StandInOptions {
  readonly lease: Lease;
  readonly clock: Clock;
  /** `undefined`: it does not lead. */
  readonly signs: () => SignsOfLife | undefined;
  /** A log of its own, of the lineage that is led; opened when it is needed, so that nothing of the store is kept for nothing. */
  readonly open: () => Promise<TransactionLog>;
  readonly answered: (answer: StandInAnswer) => void;
}

/** The stand-in itself, in a thread of its own: its only writes are renewals, which the log checks like every other (I1). */
export class StandIn {
  readonly #options: StandInOptions;
  #core: StandInCore;
  #epoch: number | undefined;
  #log: TransactionLog | undefined;
  #timer: TimerHandle | undefined;
  #isRenewing = false;
  /** Leadership that was lost never comes back. */
  #lostEpoch: number | undefined;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#core = new StandInCore(options.lease);
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#log = undefined;
  }

  #look(): void {
    const { clock, lease, signs } = this.#options;
    this.#timer = clock.after(lease.tickMs, () => this.#look());
    if (this.#isRenewing) {
      return;
    }
    const seen = signs();
    if (seen?.epoch !== this.#epoch) {
      this.#epoch = seen?.epoch;
      this.#core = new StandInCore(lease);
    }
    const decision = seen === undefined ? 'rest' : this.#core.look(seen, clock.monotonic());
    if (decision === 'rest') {
      this.#log = undefined;
    } else if (decision === 'renew' && seen !== undefined && seen.epoch !== this.#lostEpoch) {
      this.#isRenewing = true;
      void this.#renew(seen.epoch, this.#core).finally(() => {
        this.#isRenewing = false;
      });
    }
  }

  async #renew(epoch: number, core: StandInCore): Promise<void> {
    try {
      this.#log ??= await this.#options.open();
    } catch {
      // The store is away, or is another one: the next look tries again, and the thread that leads says so when it is back.
      return;
    }
    const outcome = await this.#log.append({ kind: 'renew', epoch });
    if (outcome.kind === 'undecided') {
      return;
    }
    if (outcome.result.kind === 'applied') {
      core.renewed(this.#options.clock.monotonic());
      this.#options.answered({ epoch, sentAtMs: outcome.sentAtMs });
    } else {
      this.#lostEpoch = epoch;
    }
  }
}
