import type { Leadership } from '../leadership.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';
import { listRecords, readRecord } from './record-nodes.ts';
import { storeCall } from './store-call.ts';
import type { StorePaths } from './store-paths.ts';
import type { ZooKeeperRecordStore } from './zookeeper-record-store.ts';

/**
 * The records as the leader reads them: on the session that owns the latch, where the answer to its grant has come (R14). Nobody else
 * changes records (I1), and a session sees its own writes, so that it need not ask for anything newer, unless something of its own is
 * on its way with an unknown end. One that leads no more without knowing reads what was so at the end of its leadership.
 */
export class LedRecordStore implements RecordStore {
  readonly #store: ZooKeeperRecordStore;
  readonly #paths: StorePaths;
  readonly #leadership: Leadership;

  constructor(store: ZooKeeperRecordStore, paths: StorePaths, leadership: Leadership) {
    this.#store = store;
    this.#paths = paths;
    this.#leadership = leadership;
  }

  get(key: string): Promise<StoredRecord | undefined> {
    const client = this.#store.clientOf(this.#leadership);
    return client === undefined ? this.#store.get(key) : storeCall(() => readRecord(client, this.#paths, key));
  }

  list(prefix: string): Promise<readonly StoredRecord[]> {
    const client = this.#store.clientOf(this.#leadership);
    return client === undefined
      ? this.#store.list(prefix)
      : storeCall(() => listRecords(client, this.#paths, prefix.slice(0, -1)));
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
