import { assert } from '../../foundation/common/assert.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { JobEntry } from '../job-entry.ts';
import type { JobResultPointer, JobResultStore } from '../job-result-store.ts';
import type { Leadership } from '../leadership.ts';
import { resultKey, RESULTS_PREFIX } from './record-keys.ts';
import { jobEntry, jobResultPointerSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore, StoredRecord } from './record-store.ts';
import { requireWritten } from './store-errors.ts';

export class RecordJobResultStore implements JobResultStore {
  readonly #store: RecordStore;
  readonly #leadership: Leadership;

  constructor(store: RecordStore, leadership: Leadership) {
    this.#store = store;
    this.#leadership = leadership;
  }

  async all(): Promise<readonly JobEntry<JobResultPointer>[]> {
    const records = await this.#store.list(RESULTS_PREFIX);
    return records.map((record) => jobEntry(jobResultPointerSchema, record));
  }

  async get(jobId: JobId): Promise<JobResultPointer | undefined> {
    const record = await this.#store.get(resultKey(jobId));
    return record === undefined ? undefined : pointerOf(record);
  }

  async createDirty(pointer: Omit<JobResultPointer, 'isDirty'>): Promise<JobResultPointer> {
    const { jobId } = pointer;
    const dirty: JobResultPointer = { ...pointer, isDirty: true };
    for (;;) {
      const outcome = await this.#store.transact(this.#leadership, [
        { kind: 'put', key: resultKey(jobId), value: JSON.stringify(dirty), expected: 'absent' },
      ]);
      if (outcome.outcome !== 'conflict') {
        requireWritten(outcome, this.#leadership, `write the result of job ${jobId}`);
        return dirty;
      }
      const found = await this.get(jobId);
      if (found !== undefined) {
        return found;
      }
    }
  }

  async markClean(jobId: JobId): Promise<void> {
    const record = await this.#store.get(resultKey(jobId));
    assert(record !== undefined, `job ${jobId} has no result that could be clean`);
    const value = JSON.stringify({ ...pointerOf(record), isDirty: false });
    requireWritten(
      await this.#store.transact(this.#leadership, [{ kind: 'put', key: record.key, value, expected: record.version }]),
      this.#leadership,
      `mark the result of job ${jobId} as clean`,
    );
  }

  async remove(jobId: JobId): Promise<void> {
    const record = await this.#store.get(resultKey(jobId));
    if (record === undefined) {
      return;
    }
    assert(!pointerOf(record).isDirty, `job ${jobId} left something that is not removed yet`);
    requireWritten(
      await this.#store.transact(this.#leadership, [{ kind: 'delete', key: record.key, expected: record.version }]),
      this.#leadership,
      `forget job ${jobId}`,
    );
  }
}

const pointerOf = (record: StoredRecord): JobResultPointer => parseRecord(jobResultPointerSchema, record);
