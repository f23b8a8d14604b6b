import type { StoredRecord } from '../records/record-store.ts';

/** Of a few thousand jobs; what was not seen for longest is forgotten first. */
const RECORDS_MAX = 20_000;

/**
 * Records that were read before: one that is as it was is the same object, so that what was made of it once (`parseRecord`) is not made
 * again, by a standby for each job twice a second. What it is now the ensemble says each time. The version alone would not do: where an
 * ensemble was given an older copy of its data, it may give the number of a transaction a second time (R12).
 */
export class SeenRecords {
  readonly #byKey = new Map<string, StoredRecord>();

  same(key: string, version: number, value: string): StoredRecord {
    const seen = this.#byKey.get(key);
    const record = seen?.version === version && seen.value === value ? seen : { key, value, version };
    this.#byKey.delete(key);
    this.#byKey.set(key, record);
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size > RECORDS_MAX && oldest !== undefined) {
      this.#byKey.delete(oldest);
    }
    return record;
  }
}
