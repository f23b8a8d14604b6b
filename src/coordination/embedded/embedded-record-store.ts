import type { Leadership } from '../leadership.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';
import type { TransactionLog } from './transaction-log.ts';

export class EmbeddedRecordStore implements RecordStore {
  readonly #log: TransactionLog;
  readonly #answered: (epoch: number, sentAtMs: number) => void;

  /** `answered` hears of each write under a leadership that counts. */
  constructor(log: TransactionLog, answered: (epoch: number, sentAtMs: number) => void) {
    this.#log = log;
    this.#answered = answered;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    await this.#log.refresh();
    return this.#log.state.get(key);
  }

  async list(prefix: string): Promise<readonly StoredRecord[]> {
    await this.#log.refresh();
    return this.#log.state.list(prefix);
  }

  async transact({ lineage, epoch }: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome> {
    if (lineage !== this.#log.state.lineage) {
      return { outcome: 'leadership-lost' };
    }
    const appended = await this.#log.append({ kind: 'change', epoch, changes });
    if (appended.kind === 'undecided') {
      return { outcome: 'undecided', error: appended.error };
    }
    const { result, sentAtMs } = appended;
    switch (result.kind) {
      case 'applied':
        this.#answered(epoch, sentAtMs);
        return { outcome: 'written' };
      case 'conflict':
        this.#answered(epoch, sentAtMs);
        return { outcome: 'conflict', key: result.key };
      case 'leadership-lost':
      case 'outdated':
        return { outcome: 'leadership-lost' };
    }
  }

  settle(): Promise<void> {
    return this.#log.refresh();
  }

  watch(changed: () => void): Subscription {
    let { revision } = this.#log.state;
    return this.#log.watch(() => {
      const now = this.#log.state.revision;
      if (now !== revision) {
        revision = now;
        changed();
      }
    });
  }
}
