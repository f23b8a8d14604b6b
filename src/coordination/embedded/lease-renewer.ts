import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { Leadership } from '../leadership.ts';
import type { Lease } from './lease.ts';
import type { TransactionLog } from './transaction-log.ts';

/** Gives the leader's signs of life, in the thread of the election and through its log. */
export class LeaseRenewer {
  readonly #log: TransactionLog;
  readonly #lease: Lease;
  readonly #clock: Clock;
  #timer: TimerHandle | undefined;
  #isRenewing = false;
  #run = 0;

  constructor(log: TransactionLog, lease: Lease, clock: Clock) {
    this.#log = log;
    this.#lease = lease;
    this.#clock = clock;
  }

  /** `answered` gets the time, on the monotonic clock, before the write that was answered left. */
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

  stop(): void {
    this.#run++;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #renew({ epoch }: Leadership): Promise<number | undefined> {
    if (this.#isRenewing) {
      return undefined;
    }
    this.#isRenewing = true;
    const outcome = await this.#log.append({ kind: 'renew', epoch });
    this.#isRenewing = false;
    return outcome.kind === 'decided' && outcome.result.kind === 'applied' ? outcome.sentAtMs : undefined;
  }
}
