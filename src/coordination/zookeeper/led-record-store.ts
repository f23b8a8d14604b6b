import type { Leadership } from '../leadership.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';
import { storeCall } from './store-call.ts';
import type { ZooKeeperRecordStore } from './zookeeper-record-store.ts';

/**
 * The records as the leader reads them: what it knows of them under its claim (R14), unless something of its own is on its way with an
 * unknown end. One that leads no more without knowing reads what was so at the end of its leadership.
 */
export class LedRecordStore implements RecordStore {
  readonly #store: ZooKeeperRecordStore;
  readonly #leadership: Leadership;

  constructor(store: ZooKeeperRecordStore, leadership: Leadership) {
    this.#store = store;
    this.#leadership = leadership;
  }

  get(key: string): Promise<StoredRecord | undefined> {
    const known = this.#store.knownUnder(this.#leadership);
    return known === undefined ? this.#store.get(key) : storeCall(() => known.get(key));
  }

  list(prefix: string): Promise<readonly StoredRecord[]> {
    const known = this.#store.knownUnder(this.#leadership);
    return known === undefined ? this.#store.list(prefix) : storeCall(() => known.list(prefix.slice(0, -1)));
  }

  transact(leadership: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome> {
    return this.#store.transact(leadership, changes);
  }

  settle(): Promise<void> {
    return this.#store.settle();
  }

  watch(changed: () => void): Subscription {
    return this.#store.watch(changed);
  }
}
