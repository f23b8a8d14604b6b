import type { LeaderRetrieval } from '../leader-retrieval.ts';
import { isSameLeadership, type LeaderInformation } from '../leadership.ts';
import type { Subscription } from '../subscription.ts';
import type { TransactionLog } from './transaction-log.ts';

export class EmbeddedRetrieval implements LeaderRetrieval {
  readonly #log: TransactionLog;

  constructor(log: TransactionLog) {
    this.#log = log;
  }

  get current(): LeaderInformation | undefined {
    const { leader } = this.#log.state;
    return leader?.isPublished === true ? leader : undefined;
  }

  async read(): Promise<LeaderInformation | undefined> {
    await this.#log.refresh();
    return this.current;
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription {
    let told = this.current;
    listener(told);
    return this.#log.watch(() => {
      const now = this.current;
      if (!isSameLeadership(told?.leadership, now?.leadership)) {
        told = now;
        listener(now);
      }
    });
  }
}
