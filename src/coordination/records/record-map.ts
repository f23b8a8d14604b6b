import { RecordFolder } from './record-folder.ts';
import type { RecordChange, StoredRecord } from './record-store.ts';

/** Records in memory, changed all or nothing. */
export class RecordMap {
  readonly #records = new RecordFolder();
  #revision: number;

  constructor(records: readonly StoredRecord[] = [], revision = 0) {
    records.forEach((record) => this.#records.put(record));
    this.#revision = revision;
  }

  /** Raised by each change. */
  get revision(): number {
    return this.#revision;
  }

  get(key: string): StoredRecord | undefined {
    return this.#records.get(key);
  }

  /** Ascending by key. */
  list(prefix: string): readonly StoredRecord[] {
    return this.#records.list(prefix).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The key of which something else was expected; then nothing is changed. */
  change(changes: readonly RecordChange[]): string | undefined {
    for (const change of changes) {
      if (change.kind !== 'delete-all' && change.expected !== undefined) {
        const found = this.#records.get(change.key)?.version ?? 'absent';
        if (found !== change.expected) {
          return change.key;
        }
      }
    }
    for (const change of changes) {
      this.#carryOut(change);
    }
    return undefined;
  }

  #carryOut(change: RecordChange): void {
    if (change.kind === 'require') {
      return;
    }
    this.#revision++;
    switch (change.kind) {
      case 'put':
        return this.#records.put({ key: change.key, value: change.value, version: this.#revision });
      case 'delete':
        return this.#records.delete(change.key);
      case 'delete-all':
        return this.#records.list(change.prefix).forEach(({ key }) => this.#records.delete(key));
    }
  }
}
