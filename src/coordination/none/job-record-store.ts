import { EMPTY_JOB_RECORD, type GenerationRecord, type JobRecord, type JobRecordStore } from '../job-record-store.ts';

/** Of a job that nobody recovers: each start of its JobMaster is the first, only the newest generation is kept, for display. */
export class InMemoryJobRecordStore implements Pick<
  JobRecordStore,
  'read' | 'recordGeneration' | 'recordIntent' | 'settleIntent'
> {
  #newest: GenerationRecord | undefined;

  get newest(): GenerationRecord | undefined {
    return this.#newest;
  }

  read(): Promise<JobRecord> {
    return Promise.resolve(EMPTY_JOB_RECORD);
  }

  recordIntent(): Promise<void> {
    return Promise.resolve();
  }

  settleIntent(): Promise<void> {
    return Promise.resolve();
  }

  recordGeneration(record: GenerationRecord): Promise<void> {
    this.#newest = record;
    return Promise.resolve();
  }
}
