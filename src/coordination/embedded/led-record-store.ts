import type { Leadership } from '../leadership.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';
import type { TransactionLog } from './transaction-log.ts';

/**
 * The records as the leader reads them, without a look at the folder: nobody but the leader changes records (I1), and all that was
 * written before its grant was read, and durable, when the grant was. So what is in memory is the newest there is, as long as the
 * claim in it is this one and nothing of this process is on its way with an unknown end. That another leads meanwhile it may learn
 * later than a look would tell; then it reads what was so at the end of its leadership, and its next change is refused.
 */
export class LedRecordStore implements RecordStore {
  readonly #store: RecordStore;
  readonly #log: TransactionLog;
  readonly #epoch: number;

  constructor(store: RecordStore, log: TransactionLog, { epoch }: Leadership) {
    this.#store = store;
    this.#log = log;
    this.#epoch = epoch;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    return this.#isNewest ? this.#log.state.get(key) : this.#store.get(key);
  }

  async list(prefix: string): Promise<readonly StoredRecord[]> {
    return this.#isNewest ? this.#log.state.list(prefix) : this.#store.list(prefix);
  }

  transact(leadership: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome> {
    return this.#store.transact(leadership, changes);
  }

  async settle(): Promise<void> {
    if (!this.#isNewest) {
      await this.#store.settle();
    }
  }

  watch(changed: () => void): Subscription {
    return this.#store.watch(changed);
  }

  get #isNewest(): boolean {
    return this.#log.isSettled && this.#log.state.leads(this.#epoch);
  }
}
