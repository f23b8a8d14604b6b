import type { ErrorInfo } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { CheckpointIdCounter } from './checkpoint-id-counter.ts';
import type { CheckpointPointer, CompletedCheckpointStore } from './completed-checkpoint-store.ts';
import type { JobEntry } from './job-entry.ts';
import type { JobGraphPointer, JobGraphStore } from './job-graph-store.ts';
import type { JobRecord, JobRecordStore } from './job-record-store.ts';
import type { JobResultPointer, JobResultStore } from './job-result-store.ts';
import type { LeaderElection } from './leader-election.ts';
import type { LeaderRetrieval } from './leader-retrieval.ts';
import type { Leadership } from './leadership.ts';
import type { LeaderLock } from './leader-lock.ts';
import type { Subscription } from './subscription.ts';

/**
 * What one process gets of the cluster's HA store. Errors of every call: STORE_AWAY (retryable: the store does not answer, R5),
 * STORE_BROKEN (what it answers cannot be trusted), STORE_REPLACED (it is another one now: close, open, and learn the new
 * lineage by that, R12). Of every change: LEADERSHIP_LOST and nothing else means that leadership
 * is lost (I1). A change that was rejected with STORE_AWAY may have happened, or may still; each is written so that the same
 * call can be repeated.
 */
export interface HighAvailabilityServices {
  readonly type: 'none' | 'embedded' | 'zookeeper' | 'kubernetes';
  /** Of the cluster's root in the store. */
  readonly lineage: string;
  readonly election: LeaderElection;
  readonly retrieval: LeaderRetrieval;
  /** Reads without leadership. */
  readonly reader: StoreReader;
  /** The stores as the holder of this leadership changes and, after the grant, reads them (R14). */
  leading(leadership: Leadership): LeaderStores;
  /** For `ha status`: whether the store answers now. */
  readonly health: StoreHealth;
  /** Gives everything up that belongs to this process; keeps all data. */
  close(): Promise<void>;
  /** Deletes what the cluster keeps in the store, pointers before files; only after all processes have ended. Then closes. */
  cleanupAllData(): Promise<void>;
}

/** Every change is conditional on the leadership in the same atomic operation (I1). */
export interface LeaderStores {
  readonly leadership: Leadership;
  readonly jobGraphs: JobGraphStore;
  readonly jobResults: JobResultStore;
  jobRecord(jobId: JobId): JobRecordStore;
  checkpoints(jobId: JobId): CompletedCheckpointStore;
  checkpointIds(jobId: JobId): CheckpointIdCounter;
  lock(name: string): LeaderLock;
  /**
   * Everything of a job but its result: pointers to checkpoints, the counter, the record, the pointer to the graph last (R9). The
   * files come after it. A job that is not there is no error.
   */
  removeJob(jobId: JobId): Promise<void>;
}

/**
 * For standbys, TaskManagers and the CLI. Where the store is on several servers, what a leader was just told that it has written may be
 * missing for a moment; a leader itself reads from its own stores (R14).
 */
export interface StoreReader {
  /** Ascending by job id. */
  jobs(): Promise<readonly JobEntry<JobGraphPointer>[]>;
  jobRecord(jobId: JobId): Promise<Versioned<JobRecord> | undefined>;
  /** Ascending by checkpoint id. */
  checkpoints(jobId: JobId): Promise<readonly Versioned<CheckpointPointer>[]>;
  /** The highest checkpoint id ever given out, 0 before the first. */
  checkpointFloor(jobId: JobId): Promise<number>;
  results(): Promise<readonly JobEntry<JobResultPointer>[]>;
  /** Some record has changed, or several have; what, is read. A hint: it may be late, and may come without a change. */
  watch(changed: () => void): Subscription;
}

/** The same version means the same content, so that a standby need not read the file behind the pointer again (R14). */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

export type StoreHealth =
  | { readonly state: 'answers' }
  | { readonly state: 'away' | 'broken'; readonly error: ErrorInfo };
