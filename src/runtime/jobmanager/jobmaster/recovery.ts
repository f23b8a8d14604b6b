import type { CheckpointIdCounter } from '../../../coordination/checkpoint-id-counter.ts';
import type { CompletedCheckpointStore } from '../../../coordination/completed-checkpoint-store.ts';
import type { CheckpointStorage } from '../checkpoint-coordinator/checkpoint-storage.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { stateBytesOf } from '../checkpoint-coordinator/metadata-assembly.ts';
import type { CarriedState } from '../checkpoint-coordinator/task-roster.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { RestorePlan } from '../scheduler/restore-plan.ts';
import type { InitialRestore } from './job-master-options.ts';

/** What a JobMaster starts from. */
export interface Recovery {
  readonly completed: readonly CompletedCheckpoint[];
  /** What applies as long as no checkpoint of this job is complete. */
  readonly initial: RestorePlan | undefined;
  /** The highest checkpoint id ever given out (R10). */
  readonly floor: number;
}

/** Reads what the store points to, and checks that the state fits the job. Ids go on above those that were restored. */
export const recover = async (
  execution: ExecutionGraph,
  store: CompletedCheckpointStore,
  counter: CheckpointIdCounter,
  storage: CheckpointStorage,
  restore: InitialRestore | undefined,
): Promise<Recovery> => {
  const completed: CompletedCheckpoint[] = [];
  for (const pointer of await store.all()) {
    const metadata = await storage.readMetadata(pointer);
    const { checkpointId, kind, metadataPath, baseFolder } = pointer;
    const durationMs = metadata.completedMs - metadata.triggeredMs;
    const stateBytes = stateBytesOf(metadata);
    completed.push({
      checkpointId,
      kind,
      metadataPath,
      baseFolder,
      metadata,
      stateBytes,
      writtenBytes: stateBytes,
      durationMs,
    });
  }
  const initial = restore === undefined ? undefined : new RestorePlan(execution, restore, restore);
  await counter.raise(Math.max(restore?.metadata.checkpointId ?? 0, completed.at(-1)?.checkpointId ?? 0));
  return { completed, initial, floor: await counter.current() };
};

/** The plan for the next restart: the newest completed checkpoint, else where the job started from, else nothing. */
export const planOf = (
  execution: ExecutionGraph,
  completed: readonly CompletedCheckpoint[],
  initial: RestorePlan | undefined,
): RestorePlan | undefined => {
  const newest = completed.at(-1);
  return newest === undefined ? initial : new RestorePlan(execution, newest, { allowNonRestoredState: true });
};

/** What ended subtasks left, for later checkpoints to list. */
export const carriedOf = (
  execution: ExecutionGraph,
  plan: RestorePlan | undefined,
): ReadonlyMap<number, CarriedState> =>
  new Map(
    [...(plan?.finished ?? [])].map((index) => [
      index,
      { folder: plan?.point.baseFolder ?? '', state: plan?.stateOf(execution.subtask(index)) ?? {} },
    ]),
  );
