import type { JobId } from '../../foundation/common/ids.ts';
import type { CheckpointIdCounter } from '../checkpoint-id-counter.ts';
import type { CompletedCheckpointStore } from '../completed-checkpoint-store.ts';
import type { LeaderStores } from '../high-availability-services.ts';
import type { JobGraphStore } from '../job-graph-store.ts';
import type { JobRecordStore } from '../job-record-store.ts';
import type { JobResultStore } from '../job-result-store.ts';
import type { LeaderLock } from '../leader-lock.ts';
import type { Leadership } from '../leadership.ts';
import { RecordCheckpointIdCounter } from './record-checkpoint-id-counter.ts';
import { RecordCompletedCheckpointStore } from './record-completed-checkpoint-store.ts';
import { RecordJobGraphStore } from './record-job-graph-store.ts';
import { RecordJobRecordStore } from './record-job-record-store.ts';
import { RecordJobResultStore } from './record-job-result-store.ts';
import { graphKey, jobPrefix } from './record-keys.ts';
import { RecordLeaderLock } from './record-leader-lock.ts';
import type { RecordStore } from './record-store.ts';
import { requireWritten } from './store-errors.ts';

/** The stores of one leadership over records. One object for each job and kind, as they order their own changes. */
export class RecordLeaderStores implements LeaderStores {
  readonly leadership: Leadership;
  readonly jobGraphs: JobGraphStore;
  readonly jobResults: JobResultStore;
  readonly #store: RecordStore;
  readonly #newest: RecordStore;
  readonly #records = new Map<JobId, RecordJobRecordStore>();
  readonly #counters = new Map<JobId, RecordCheckpointIdCounter>();

  /** `newest`: reads of it tell a leader that was deposed meanwhile; those of `store` need not. */
  constructor(store: RecordStore, leadership: Leadership, newest = store) {
    this.#store = store;
    this.#newest = newest;
    this.leadership = leadership;
    this.jobGraphs = new RecordJobGraphStore(store, leadership);
    this.jobResults = new RecordJobResultStore(store, leadership);
  }

  jobRecord(jobId: JobId): JobRecordStore {
    const store = this.#records.get(jobId) ?? new RecordJobRecordStore(this.#store, this.leadership, jobId);
    this.#records.set(jobId, store);
    return store;
  }

  checkpoints(jobId: JobId): CompletedCheckpointStore {
    return new RecordCompletedCheckpointStore(this.#store, this.leadership, jobId);
  }

  checkpointIds(jobId: JobId): CheckpointIdCounter {
    const counter = this.#counters.get(jobId) ?? new RecordCheckpointIdCounter(this.#store, this.leadership, jobId);
    this.#counters.set(jobId, counter);
    return counter;
  }

  lock(name: string): LeaderLock {
    return new RecordLeaderLock(this.#newest, this.leadership, name);
  }

  async removeJob(jobId: JobId): Promise<void> {
    // Two steps, for stores that keep a job's records apart from the graphs: what a crash leaves has its graph still.
    for (const change of [
      { kind: 'delete-all', prefix: jobPrefix(jobId) },
      { kind: 'delete', key: graphKey(jobId) },
    ] as const) {
      requireWritten(
        await this.#store.transact(this.leadership, [change]),
        this.leadership,
        `remove the pointers of job ${jobId}`,
      );
    }
    this.#records.delete(jobId);
    this.#counters.delete(jobId);
  }
}
