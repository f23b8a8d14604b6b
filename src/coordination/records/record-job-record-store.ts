import type { JobId } from '../../foundation/common/ids.ts';
import {
  EMPTY_JOB_RECORD,
  type AcceptedIntent,
  type GenerationRecord,
  type JobRecord,
  type JobRecordStore,
  type RestartCounts,
} from '../job-record-store.ts';
import type { Leadership } from '../leadership.ts';
import { requireReplaceable } from '../require-replaceable.ts';
import { OneAfterTheOther } from './one-after-the-other.ts';
import { recordKey, resultKey } from './record-keys.ts';
import { jobRecordSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore } from './record-store.ts';
import { requireWritten } from './store-errors.ts';
import { withGeneration } from './with-generation.ts';

/**
 * Each change reads the record and writes it whole. Only this leadership writes (I1) and its changes wait for each other, so
 * that no version needs to be expected.
 */
export class RecordJobRecordStore implements JobRecordStore {
  readonly #store: RecordStore;
  readonly #leadership: Leadership;
  readonly #jobId: JobId;
  readonly #order = new OneAfterTheOther();
  /** What a mark comes to whose outcome is not known: it may be there, and its repeat is the same one. */
  #marking: number | undefined;

  constructor(store: RecordStore, leadership: Leadership, jobId: JobId) {
    this.#store = store;
    this.#leadership = leadership;
    this.#jobId = jobId;
  }

  read(): Promise<JobRecord> {
    return this.#order.run(() => this.#read());
  }

  async recordGeneration(record: GenerationRecord, restartCounts?: RestartCounts): Promise<void> {
    await this.#change((before) => ({
      ...before,
      generations: withGeneration(before.generations, record),
      restartCounts: restartCounts ?? before.restartCounts,
    }));
  }

  async recordIntent(intent: AcceptedIntent): Promise<void> {
    await this.#change((before) => {
      requireReplaceable(before.intent, intent);
      return { ...before, intent };
    });
  }

  async settleIntent(requestId: string): Promise<void> {
    await this.#change((before) => {
      const { intent } = before;
      return intent.kind !== 'run' && intent.requestId === requestId ? { ...before, intent: { kind: 'run' } } : before;
    });
  }

  async recordGraphVersion(graphVersion: number): Promise<void> {
    await this.#change((before) => ({ ...before, graphVersion }));
  }

  async markLoading(): Promise<number> {
    const { loadingMarks } = await this.#change((before) => {
      this.#marking ??= before.loadingMarks + 1;
      return { ...before, loadingMarks: this.#marking };
    });
    this.#marking = undefined;
    return loadingMarks;
  }

  async clearLoading(): Promise<void> {
    this.#marking = undefined;
    await this.#change((before) => ({ ...before, loadingMarks: 0 }));
  }

  #change(change: (before: JobRecord) => JobRecord): Promise<JobRecord> {
    return this.#order.run(async () => {
      // A change whose outcome was unclear must not land after this one.
      await this.#store.settle();
      const before = await this.#read();
      const after = change(before);
      if (after === before) {
        // Nothing to write, and of a job that is gone nothing comes back.
        return before;
      }
      const outcome = await this.#store.transact(this.#leadership, [
        { kind: 'require', key: resultKey(this.#jobId), expected: 'absent' },
        { kind: 'put', key: recordKey(this.#jobId), value: JSON.stringify(after) },
      ]);
      if (outcome.outcome !== 'conflict') {
        requireWritten(outcome, this.#leadership, `write the record of job ${this.#jobId}`);
      }
      // Else the job has ended: whatever it was, it is settled, and nothing of the job comes back (R9).
      return after;
    });
  }

  async #read(): Promise<JobRecord> {
    const record = await this.#store.get(recordKey(this.#jobId));
    return record === undefined ? EMPTY_JOB_RECORD : parseRecord(jobRecordSchema, record);
  }
}
