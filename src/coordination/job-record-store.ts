import type { CheckpointId, Generation } from '../foundation/common/ids.ts';

/** One start of regions (R1), as the job's record keeps it. */
export interface GenerationRecord {
  readonly generation: Generation;
  readonly graphVersion: number;
  /** What it restored; `undefined`: it started empty. */
  readonly restored: CheckpointId | undefined;
  /** The subtasks that start, as `<vertex>/<subtask>`. */
  readonly subtasks: readonly string[];
  /** Instance ids of the TaskManagers that they start on. */
  readonly taskManagers: readonly string[];
}

/** The record of one job. Changes are conditional on leadership (I1). */
export interface JobRecordStore {
  /** Ascending; those whose subtasks were all started again later may be left out. */
  generations(): Promise<readonly GenerationRecord[]>;
  /** Resolves when it is durable; only then may the generation be deployed. */
  recordGeneration(record: GenerationRecord): Promise<void>;
}
