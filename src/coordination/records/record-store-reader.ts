import type { z } from 'zod';
import type { JobId } from '../../foundation/common/ids.ts';
import type { CheckpointPointer } from '../completed-checkpoint-store.ts';
import type { StoreReader, Versioned } from '../high-availability-services.ts';
import type { JobEntry } from '../job-entry.ts';
import type { JobGraphPointer } from '../job-graph-store.ts';
import type { JobRecord } from '../job-record-store.ts';
import type { JobResultPointer } from '../job-result-store.ts';
import type { Subscription } from '../subscription.ts';
import { readCounter } from './record-checkpoint-id-counter.ts';
import { checkpointsPrefix, GRAPHS_PREFIX, recordKey, RESULTS_PREFIX } from './record-keys.ts';
import {
  checkpointPointerSchema,
  jobEntry,
  jobGraphPointerSchema,
  jobRecordSchema,
  jobResultPointerSchema,
  parseRecord,
} from './record-schemas.ts';
import type { RecordStore, StoredRecord } from './record-store.ts';

export class RecordStoreReader implements StoreReader {
  readonly #store: RecordStore;

  constructor(store: RecordStore) {
    this.#store = store;
  }

  async jobs(): Promise<readonly JobEntry<JobGraphPointer>[]> {
    const records = await this.#store.list(GRAPHS_PREFIX);
    return records.map((record) => jobEntry(jobGraphPointerSchema, record));
  }

  async jobRecord(jobId: JobId): Promise<Versioned<JobRecord> | undefined> {
    const record = await this.#store.get(recordKey(jobId));
    return record === undefined ? undefined : versioned(record, jobRecordSchema);
  }

  async checkpoints(jobId: JobId): Promise<readonly Versioned<CheckpointPointer>[]> {
    const records = await this.#store.list(checkpointsPrefix(jobId));
    return records.map((record) => versioned(record, checkpointPointerSchema));
  }

  checkpointFloor(jobId: JobId): Promise<number> {
    return readCounter(this.#store, jobId);
  }

  async results(): Promise<readonly JobEntry<JobResultPointer>[]> {
    const records = await this.#store.list(RESULTS_PREFIX);
    return records.map((record) => jobEntry(jobResultPointerSchema, record));
  }

  watch(changed: () => void): Subscription {
    return this.#store.watch(changed);
  }
}

const versioned = <T>(record: StoredRecord, schema: z.ZodType<T>): Versioned<T> => ({
  value: parseRecord(schema, record),
  version: record.version,
});
