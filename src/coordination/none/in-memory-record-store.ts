import type { Leadership } from '../leadership.ts';
import { RecordMap } from '../records/record-map.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';

/** In the memory of the one JobManager: gone with its process. */
export class InMemoryRecordStore implements RecordStore {
  readonly #records = new RecordMap();
  readonly #listeners = new Set<() => void>();
  readonly #leads: (leadership: Leadership) => boolean;

  constructor(leads: (leadership: Leadership) => boolean) {
    this.#leads = leads;
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return Promise.resolve(this.#records.get(key));
  }

  list(prefix: string): Promise<readonly StoredRecord[]> {
    return Promise.resolve(this.#records.list(prefix));
  }

  async transact(leadership: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome> {
    if (!this.#leads(leadership)) {
      return { outcome: 'leadership-lost' };
    }
    const before = this.#records.revision;
    const key = this.#records.change(changes);
    if (key !== undefined) {
      return { outcome: 'conflict', key };
    }
    if (this.#records.revision !== before) {
      queueMicrotask(() => this.#listeners.forEach((listener) => listener()));
    }
    return { outcome: 'written' };
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  watch(changed: () => void): Subscription {
    const listener = (): void => changed();
    this.#listeners.add(listener);
    return { end: () => this.#listeners.delete(listener) };
  }
}
