import type { RecordChange, StoredRecord } from './record-store.ts';

/** Records in memory, changed all or nothing. */
export class RecordMap {
  readonly #records: Map<string, StoredRecord>;
  #revision: number;

  constructor(records: readonly StoredRecord[] = [], revision = 0) {
    this.#records = new Map(records.map((record) => [record.key, record]));
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
    return [...this.#records.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
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
        this.#records.set(change.key, { key: change.key, value: change.value, version: this.#revision });
        return;
      case 'delete':
        this.#records.delete(change.key);
        return;
      case 'delete-all':
        for (const key of this.#records.keys()) {
          if (key.startsWith(change.prefix)) {
            this.#records.delete(key);
          }
        }
        return;
    }
  }
}
