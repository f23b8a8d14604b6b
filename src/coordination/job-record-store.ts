import type { CheckpointId, Generation } from '../foundation/common/ids.ts';

/** One start of regions (R1), as the job's record keeps it. */
export interface GenerationRecord {
  readonly generation: Generation;
  readonly graphVersion: number;
  /** What it restored; `undefined`: it started empty. */
  readonly restored: CheckpointId | undefined;
  /** The subtasks that start, as `<vertex>/<subtask>`. */
  readonly subtasks: readonly string[];
  /** Where they start. */
  readonly taskManagers: readonly RecordedTaskManager[];
}

/** One start of a TaskManager process, so that whoever leads next finds out whether it lives. */
export interface RecordedTaskManager {
  readonly instanceId: string;
  /** `host:port` on which it answers hellos; missing: it runs in the process of its JobMaster. */
  readonly rpcAddress?: string;
}

/** What was asked of a job and changes its fate (R7). It is written before it is carried out or answered. */
export type JobIntent =
  | { readonly kind: 'run' }
  | { readonly kind: 'cancel'; readonly requestId: string }
  | {
      readonly kind: 'stop';
      readonly requestId: string;
      /** The directory for the savepoint. */
      readonly savepointDirectory: string;
      readonly drain: boolean;
    }
  | RescaleIntent
  | { readonly kind: 'restart-from'; readonly requestId: string; readonly snapshotPath: string };

export type AcceptedIntent = Exclude<JobIntent, { readonly kind: 'run' }>;

/** Where the job's pointer has this graph version, the job has been switched over. */
export interface RescaleIntent {
  readonly kind: 'rescale';
  readonly requestId: string;
  readonly graphVersion: number;
  /** The file of the new graph. */
  readonly graphPath: string;
  /** The file of the graph before. */
  readonly replacedPath: string;
}

/** What a restart strategy counts, as plain data of its own. */
export type RestartCounts = Readonly<Record<string, number | readonly number[]>>;

/** What a takeover needs to know of a job beside its pointers: one object in the store. */
export interface JobRecord {
  readonly intent: JobIntent;
  /** All that was started of older versions has ended. */
  readonly graphVersion: number;
  /** Ascending; those whose subtasks were all started again later are left out. */
  readonly generations: readonly GenerationRecord[];
  /** Written with each generation, so that a takeover neither resets nor charges them (R13). */
  readonly restartCounts: RestartCounts;
  /** Leaders that began to load the job since one of them finished it; at three the job is set aside (R13, R5). */
  readonly loadingMarks: number;
}

/** The record of one job. Changes are conditional on leadership (I1) and happen one after the other. */
export interface JobRecordStore {
  /** Never stale; what a job that nothing was recorded of yet has is `EMPTY_JOB_RECORD`. */
  read(): Promise<JobRecord>;
  /** Resolves when it is durable; only then may the generation be deployed. Without counts the last ones stay. */
  recordGeneration(record: GenerationRecord, restartCounts?: RestartCounts): Promise<void>;
  /** Throws JOB_NOT_RUNNING where something else was accepted and is not settled; a cancel takes the place of anything (I12). */
  recordIntent(intent: AcceptedIntent): Promise<void>;
  /** The job is to run, unless something else than this request was asked for meanwhile. */
  settleIntent(requestId: string): Promise<void>;
  recordGraphVersion(graphVersion: number): Promise<void>;
  /** One more mark; resolves with their number, this one included. */
  markLoading(): Promise<number>;
  clearLoading(): Promise<void>;
}

export const EMPTY_JOB_RECORD: JobRecord = {
  intent: { kind: 'run' },
  graphVersion: 1,
  generations: [],
  restartCounts: {},
  loadingMarks: 0,
};
