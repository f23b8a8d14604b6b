import { MillraceError } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { JobEntry } from '../job-entry.ts';
import type { JobGraphPointer, JobGraphStore, SubmissionOutcome } from '../job-graph-store.ts';
import type { Leadership } from '../leadership.ts';
import { graphKey, GRAPHS_PREFIX, resultKey } from './record-keys.ts';
import { jobEntry, jobGraphPointerSchema, parseRecord } from './record-schemas.ts';
import type { RecordStore } from './record-store.ts';
import { requireWritten } from './store-errors.ts';

export class RecordJobGraphStore implements JobGraphStore {
  readonly #store: RecordStore;
  readonly #leadership: Leadership;

  constructor(store: RecordStore, leadership: Leadership) {
    this.#store = store;
    this.#leadership = leadership;
  }

  async all(): Promise<readonly JobEntry<JobGraphPointer>[]> {
    const records = await this.#store.list(GRAPHS_PREFIX);
    return records.map((record) => jobEntry(jobGraphPointerSchema, record));
  }

  async get(jobId: JobId): Promise<JobGraphPointer | undefined> {
    const record = await this.#store.get(graphKey(jobId));
    return record === undefined ? undefined : parseRecord(jobGraphPointerSchema, record);
  }

  async add(pointer: JobGraphPointer): Promise<SubmissionOutcome> {
    const { jobId } = pointer;
    for (;;) {
      const outcome = await this.#store.transact(this.#leadership, [
        { kind: 'require', key: resultKey(jobId), expected: 'absent' },
        { kind: 'put', key: graphKey(jobId), value: JSON.stringify(pointer), expected: 'absent' },
      ]);
      if (outcome.outcome !== 'conflict') {
        requireWritten(outcome, this.#leadership, `submit job ${jobId}`);
        return { outcome: 'added' };
      }
      if (outcome.key === resultKey(jobId)) {
        return { outcome: 'ended' };
      }
      const found = await this.get(jobId);
      if (found !== undefined) {
        return found.writeId === pointer.writeId ? { outcome: 'added' } : { outcome: 'exists', pointer: found };
      }
      // It was removed between the two: its result is there by now.
    }
  }

  async replace(pointer: JobGraphPointer): Promise<void> {
    const { jobId } = pointer;
    const record = await this.#store.get(graphKey(jobId));
    if (record === undefined) {
      throw new MillraceError('JOB_ENDED', `job ${jobId} is not there any more`);
    }
    requireWritten(
      await this.#store.transact(this.#leadership, [
        { kind: 'put', key: graphKey(jobId), value: JSON.stringify(pointer), expected: record.version },
      ]),
      this.#leadership,
      `replace the graph of job ${jobId}`,
    );
  }
}
