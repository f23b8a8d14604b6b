import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { Leadership } from '../leadership.ts';
import type { Lease } from './lease.ts';
import type { TransactionLog } from './transaction-log.ts';

/** Gives the leader's signs of life, in the thread of the election and through its log. */
export class LeaseRenewer {
  readonly #log: Pick<TransactionLog, 'append'>;
  readonly #lease: Lease;
  readonly #clock: Clock;
  #timer: TimerHandle | undefined;
  #run = 0;

  constructor(log: Pick<TransactionLog, 'append'>, lease: Lease, clock: Clock) {
    this.#log = log;
    this.#lease = lease;
    this.#clock = clock;
  }

  /** `answered` gets the time, on the monotonic clock, before the write that was answered left. */
  start(leadership: Leadership, answered: (sentAtMs: number) => void): void {
    this.stop();
    this.#renewAfter(this.#lease.renewalMs, leadership, answered);
  }

  stop(): void {
    this.#run++;
    this.#timer?.cancel();
  }

  #renewAfter(delayMs: number, leadership: Leadership, answered: (sentAtMs: number) => void): void {
    const run = this.#run;
    this.#timer = this.#clock.after(delayMs, async () => {
      const beganAtMs = this.#clock.monotonic();
      const outcome = await this.#log.append({ kind: 'renew', epoch: leadership.epoch });
      if (run === this.#run) {
        // At once where the disk needed longer than that: one more write that is as slow has to come in time, too.
        const tookMs = this.#clock.monotonic() - beganAtMs;
        this.#renewAfter(Math.max(0, this.#lease.renewalMs - tookMs), leadership, answered);
        if (outcome.kind === 'decided' && outcome.result.kind === 'applied') {
          answered(outcome.sentAtMs);
        }
      }
    });
  }
}
