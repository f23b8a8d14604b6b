import type { CheckpointId, JobId } from '../../../foundation/common/ids.ts';
import type { UnpointedIds } from '../../checkpoint/collect-left-overs.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import type { CarriedState } from './task-roster.ts';
import type { TriggerDeskOptions } from './trigger-desk.ts';

export interface CoordinatorSettings {
  /** `undefined`: nothing is taken unless somebody asks. */
  readonly intervalMs: number | undefined;
  readonly minPauseMs: number;
  readonly timeoutMs: number;
  readonly tolerableFailures: number;
  readonly numRetained: number;
}

export interface CoordinatorCoreOptions {
  readonly jobId: JobId;
  readonly execution: ExecutionGraph;
  readonly settings: CoordinatorSettings;
  /** The job's checkpoint folder, absolute; `undefined`: savepoints only. */
  readonly checkpointFolder: string | undefined;
  /** What the store points to, ascending; without those that are of no use. */
  readonly completed: readonly CompletedCheckpoint[];
  /** What the store points to and cannot be read, ascending (R5): told to be complete, and kept until a later one is. */
  readonly broken: readonly CheckpointId[];
  /** The highest id given out so far. */
  readonly floor: number;
  /** See `CheckpointSchedulePlan`: a leader before this one has begun an interval. */
  readonly firstDueMs: number | undefined;
  /** A leader before this one began to stop the job: that is tried again before anything else is triggered (R7). */
  readonly isStopping: boolean;
  /** Subtasks that the restored checkpoint knows to have ended. */
  readonly finished: ReadonlyMap<number, CarriedState>;
}

/**
 * What leaders before this one may have written to its end without a pointer: nothing will ever lead to it. Where the store points to
 * nothing, whole checkpoints may be of an earlier run of the same job, which somebody has kept: none is named then.
 */
export const unpointedIds = ({
  completed,
  broken,
  floor,
}: Pick<CoordinatorCoreOptions, 'completed' | 'broken' | 'floor'>): UnpointedIds => {
  const pointedTo = [...completed.map(({ checkpointId }) => checkpointId), ...broken];
  return pointedTo.length === 0 ? { above: floor, upTo: floor } : { above: Math.max(...pointedTo), upTo: floor };
};

export const deskSettings = (
  options: CoordinatorCoreOptions,
): Omit<TriggerDeskOptions, 'roster' | 'isUrgent' | 'emit'> => {
  const { execution, settings, checkpointFolder, firstDueMs, isStopping, completed } = options;
  const { intervalMs, minPauseMs, timeoutMs } = settings;
  return {
    execution,
    intervalMs: checkpointFolder === undefined ? undefined : intervalMs,
    minPauseMs,
    firstDueMs,
    isStopping,
    isStopped: completed.at(-1)?.kind === 'savepoint',
    timeoutMs,
    hasCheckpointFolder: checkpointFolder !== undefined,
  };
};
