import type { GenerationRecord, JobRecordStore } from '../job-record-store.ts';

/** Without HA nobody reads the record after a crash: only the newest generation is kept, for display. */
export class InMemoryJobRecordStore implements Pick<JobRecordStore, 'recordGeneration'> {
  #newest: GenerationRecord | undefined;

  get newest(): GenerationRecord | undefined {
    return this.#newest;
  }

  recordGeneration(record: GenerationRecord): Promise<void> {
    this.#newest = record;
    return Promise.resolve();
  }
}
