import type { Clock } from '../../../foundation/common/clock.ts';
import type { Lease } from '../lease.ts';
import { StandIn, type LeaseStandIn, type StandInAnswer } from '../lease-stand-in.ts';
import type { TransactionLog } from '../transaction-log.ts';

export interface StandInBesideOptions {
  readonly lease: Lease;
  /** Of the thread that leads, which may stand still. */
  readonly clock: Clock;
  /** Of the stand-in, of the same process. */
  readonly ownClock: Clock;
  readonly open: () => Promise<TransactionLog>;
}

/** A stand-in in the thread of the test, with a clock of its own. */
export class StandInBeside implements LeaseStandIn {
  readonly #options: StandInBesideOptions;
  readonly #standIn: StandIn;
  #epoch: number | undefined;
  #ticks = 0;
  #answeredAtMs = 0;
  #answer: StandInAnswer | undefined;
  #isTicking = false;
  /** When it renewed. */
  readonly renewals: StandInAnswer[] = [];

  constructor(options: StandInBesideOptions) {
    this.#options = options;
    this.#standIn = new StandIn({
      lease: options.lease,
      clock: options.ownClock,
      signs: () =>
        this.#epoch === undefined
          ? undefined
          : { epoch: this.#epoch, ticks: this.#ticks, answeredAtMs: this.#answeredAtMs },
      open: options.open,
      answered: (answer) => {
        this.#answer = answer;
        this.renewals.push(answer);
      },
    });
    this.#standIn.start();
  }

  start(epoch: number): void {
    this.answered();
    this.#epoch = epoch;
    if (!this.#isTicking) {
      this.#isTicking = true;
      this.#tick();
    }
  }

  answered(): void {
    this.#answeredAtMs = this.#options.clock.monotonic();
  }

  takeAnswer(): StandInAnswer | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  stop(): void {
    this.#epoch = undefined;
  }

  async close(): Promise<void> {
    this.stop();
    this.#standIn.stop();
  }

  #tick(): void {
    this.#ticks++;
    this.#options.clock.after(this.#options.lease.tickMs, () => this.#tick());
  }
}
