import type { HeldLock, LeaderLock } from '../leader-lock.ts';
import type { Leadership } from '../leadership.ts';
import { lockKey } from './record-keys.ts';
import { lockSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore } from './record-store.ts';
import { requireWritten } from './store-errors.ts';

/** A record that stays when the lock is released, so that tokens only grow; `epoch` 0: free. */
export class RecordLeaderLock implements LeaderLock {
  readonly #store: RecordStore;
  readonly #leadership: Leadership;
  readonly #name: string;

  constructor(store: RecordStore, leadership: Leadership, name: string) {
    this.#store = store;
    this.#leadership = leadership;
    this.#name = name;
  }

  async acquire(): Promise<HeldLock | undefined> {
    const { epoch } = this.#leadership;
    const key = lockKey(this.#name);
    const record = await this.#store.get(key);
    const before = record === undefined ? { epoch: 0, token: 0 } : parseRecord(lockSchema, record);
    if (before.epoch === epoch) {
      return undefined;
    }
    const token = before.token + 1;
    const value = JSON.stringify({ epoch, token });
    const outcome = await this.#store.transact(this.#leadership, [
      { kind: 'put', key, value, expected: record?.version ?? 'absent' },
    ]);
    if (outcome.outcome === 'conflict') {
      return undefined;
    }
    requireWritten(outcome, this.#leadership, `acquire the lock ${this.#name}`);
    return { token, release: () => this.#release(token) };
  }

  async #release(token: number): Promise<void> {
    const key = lockKey(this.#name);
    const record = await this.#store.get(key);
    if (record === undefined || parseRecord(lockSchema, record).token !== token) {
      return;
    }
    const outcome = await this.#store.transact(this.#leadership, [
      { kind: 'put', key, value: JSON.stringify({ epoch: 0, token }), expected: record.version },
    ]);
    // Lost with the leadership, or taken over: it is not held any more, which is what was wanted.
    if (outcome.outcome === 'undecided') {
      requireWritten(outcome, this.#leadership, `release the lock ${this.#name}`);
    }
  }
}
