import type { LeaderRetrieval } from '../leader-retrieval.ts';
import { isSameLeadership, type LeaderInformation } from '../leadership.ts';
import type { Subscription } from '../subscription.ts';
import type { LeaderFolder } from './leader-folder.ts';

export class ZooKeeperRetrieval implements LeaderRetrieval {
  readonly #folder: LeaderFolder;

  constructor(folder: LeaderFolder) {
    this.#folder = folder;
  }

  get current(): LeaderInformation | undefined {
    const { leader } = this.#folder;
    return leader?.isPublished === true ? leader : undefined;
  }

  async read(): Promise<LeaderInformation | undefined> {
    await this.#folder.look();
    return this.current;
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription {
    let told = this.current;
    listener(told);
    return this.#folder.listen(() => {
      const now = this.current;
      if (!isSameLeadership(told?.leadership, now?.leadership)) {
        told = now;
        listener(now);
      }
    });
  }
}
