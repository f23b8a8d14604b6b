import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { Leadership } from '../leadership.ts';
import type { Lease } from './lease.ts';
import type { TransactionLog } from './transaction-log.ts';

/** Gives the leader's signs of life. It may live in a thread of its own, which a busy main thread cannot starve. */
export interface LeaseRenewer {
  /** `answered` gets the time, on the monotonic clock of the caller, before the write that was answered left. */
  start(leadership: Leadership, answered: (sentAtMs: number) => void): void;
  /** The main thread lives: without it, nothing is renewed after `Lease.tickMs`. */
  tick(): void;
  stop(): void;
  /** Nothing of it runs afterwards. */
  close(): Promise<void>;
}

/** In the thread of the election, through its log. */
export class SameThreadLeaseRenewer implements LeaseRenewer {
  readonly #log: TransactionLog;
  readonly #lease: Lease;
  readonly #clock: Clock;
  #timer: TimerHandle | undefined;
  #tickedAtMs = Number.NEGATIVE_INFINITY;
  #isRenewing = false;
  #run = 0;

  constructor(log: TransactionLog, lease: Lease, clock: Clock) {
    this.#log = log;
    this.#lease = lease;
    this.#clock = clock;
  }

  start(leadership: Leadership, answered: (sentAtMs: number) => void): void {
    this.stop();
    const run = this.#run;
    const next = (): void => {
      this.#timer = this.#clock.after(this.#lease.renewalMs, () => {
        void this.#renew(leadership).then((sentAtMs) => {
          if (sentAtMs !== undefined && run === this.#run) {
            answered(sentAtMs);
          }
        });
        next();
      });
    };
    next();
  }

  tick(): void {
    this.#tickedAtMs = this.#clock.monotonic();
  }

  stop(): void {
    this.#run++;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  close(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  async #renew({ epoch }: Leadership): Promise<number | undefined> {
    if (this.#isRenewing || this.#clock.monotonic() - this.#tickedAtMs > this.#lease.tickMs) {
      return undefined;
    }
    this.#isRenewing = true;
    const outcome = await this.#log.append({ kind: 'renew', epoch });
    this.#isRenewing = false;
    return outcome.kind === 'decided' && outcome.result.kind === 'applied' ? outcome.sentAtMs : undefined;
  }
}
