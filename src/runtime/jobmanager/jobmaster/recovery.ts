import type { CheckpointPointer } from '../../../coordination/completed-checkpoint-store.ts';
import type {
  GenerationRecord,
  JobIntent,
  JobRecord,
  RecordedTaskManager,
  RestartCounts,
} from '../../../coordination/job-record-store.ts';
import { present } from '../../../foundation/common/assert.ts';
import { errorInfo, MillraceError, type ErrorCode } from '../../../foundation/common/errors.ts';
import {
  attemptId,
  compareGenerations,
  type AttemptId,
  type Generation,
  type JobId,
  type VertexId,
} from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { stateBytesOf } from '../checkpoint-coordinator/metadata-assembly.ts';
import type { CarriedState } from '../checkpoint-coordinator/task-roster.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { RestorePlan } from '../scheduler/restore-plan.ts';
import { pointAgain, type ForgottenOptions, type HeardIds } from './forgotten-checkpoint.ts';
import type { JobMasterOptions } from './job-master-options.ts';
import { isBroken, type BrokenCheckpoint } from './older-checkpoint.ts';

/** What a JobMaster starts from. */
export interface Recovery {
  /** What the store points to and can be used, ascending. */
  readonly completed: readonly CompletedCheckpoint[];
  /** What it points to and cannot be used (R5), ascending. */
  readonly broken: readonly BrokenCheckpoint[];
  /** The newest of both; 0: none. */
  readonly newestId: number;
  /** Of checkpoints that the store did not know (R12). */
  readonly heard: HeardIds | undefined;
  /** What applies as long as no checkpoint of this job is complete. */
  readonly initial: RestorePlan | undefined;
  /** The highest checkpoint id ever given out (R10). */
  readonly floor: number;
  readonly started: StartedRegions;
  /** Subtasks that nobody needs to report, by index. */
  readonly covered: ReadonlySet<number>;
  readonly intent: JobIntent;
  readonly restartCounts: RestartCounts;
}

/** What leaders before this one started. */
export interface StartedRegions {
  /** The newest start of each region that ever started, by region. */
  readonly regions: ReadonlyMap<number, GenerationRecord>;
  readonly newest: Generation | undefined;
  /** Starts of older versions of the graph, of which something may still run. */
  readonly predecessors: readonly GenerationRecord[];
}

export type RecoveryOptions = ForgottenOptions &
  Pick<JobMasterOptions, 'checkpointIds' | 'restore' | 'records' | 'graphVersion'>;

/**
 * Reads what the store points to, and checks that the state fits the job. Ids go on above those that were restored. Rejects where
 * the newest cannot be used and nothing can be done without it.
 */
export const recover = async (execution: ExecutionGraph, options: RecoveryOptions): Promise<Recovery> => {
  const { checkpoints: store, checkpointIds: counter, storage, restore, heard } = options;
  const inStore = await store.all();
  const forgotten = await pointAgain(options, inStore.at(-1));
  const pointers = forgotten === undefined ? inStore : [...inStore, forgotten];
  const read = await Promise.all(pointers.map((pointer) => readIfWhole(storage, pointer)));
  const completed = read.flatMap((one) => ('metadata' in one ? one : []));
  const broken = read.flatMap((one) => ('metadata' in one ? [] : one));
  const initial = restore === undefined ? undefined : new RestorePlan(execution, restore, restore);
  const newest = pointers.at(-1);
  const newestId = newest?.checkpointId ?? 0;
  const heardUpTo = Math.max(heard?.completed ?? 0, heard?.highest ?? 0);
  await counter.raise(Math.max(restore?.metadata.checkpointId ?? 0, newestId, heardUpTo));
  const record = await options.records.read();
  const { intent, restartCounts } = record;
  const started = startedRegions(execution, options.graphVersion, record);
  const covered = coveredSubtasks(execution, completed, started);
  const floor = await counter.current();
  const recovery = { completed, broken, newestId, heard, initial, floor, started, covered, intent, restartCounts };
  const error = brokenNewest(recovery)?.error;
  // After a stop only what its savepoint lists is left to do.
  if (error !== undefined && (newest?.kind === 'savepoint' || started.newest === undefined)) {
    throw new MillraceError(error.code as ErrorCode, error.message, { cause: error });
  }
  return recovery;
};

/** The newest checkpoint, where it cannot be used. */
export const brokenNewest = ({
  completed,
  broken,
}: Pick<Recovery, 'completed' | 'broken'>): BrokenCheckpoint | undefined =>
  broken.findLast(({ checkpointId }) => checkpointId > (completed.at(-1)?.checkpointId ?? 0));

const readIfWhole = async (
  storage: JobMasterOptions['storage'],
  pointer: CheckpointPointer,
): Promise<CompletedCheckpoint | BrokenCheckpoint> => {
  try {
    return await readCompleted(storage, pointer);
  } catch (thrown) {
    const error = errorInfo(thrown);
    if (!isBroken(error)) {
      throw thrown;
    }
    return { checkpointId: pointer.checkpointId, error };
  }
};

const readCompleted = async (
  storage: JobMasterOptions['storage'],
  pointer: CheckpointPointer,
): Promise<CompletedCheckpoint> => {
  const { checkpointId, kind, metadataPath, baseFolder } = pointer;
  const metadata = await storage.readMetadata(pointer);
  const durationMs = metadata.completedMs - metadata.triggeredMs;
  const stateBytes = stateBytesOf(metadata);
  const written = { stateBytes, writtenBytes: stateBytes, durationMs };
  return { checkpointId, kind, metadataPath, baseFolder, metadata, ...written };
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
      {
        folder: plan?.point.baseFolder ?? '',
        state: plan?.stateOf(execution.subtask(index)) ?? {},
        isCommitted: plan?.settled.has(index) === true,
      },
    ]),
  );

/**
 * The interval goes on under a new leader: how long until the next checkpoint is due, 0 where it is or one was pending (R10).
 * `undefined` where nothing was started yet.
 */
export const firstDueInMs = (
  { completed, floor, started }: Pick<Recovery, 'completed' | 'floor' | 'started'>,
  intervalMs: number | undefined,
  nowMs: number,
): number | undefined => {
  if (intervalMs === undefined || started.newest === undefined) {
    return undefined;
  }
  const newest = completed.at(-1);
  // Another host's clock may be ahead of this one's.
  const sinceMs = Math.max(0, nowMs - (newest?.metadata.triggeredMs ?? 0));
  return floor > (newest?.checkpointId ?? 0) ? 0 : Math.max(0, intervalMs - sinceMs);
};

const startedRegions = (execution: ExecutionGraph, graphVersion: number, record: JobRecord): StartedRegions => {
  const regions = new Map<number, GenerationRecord>();
  const indices = new Map(execution.subtasks.map((subtask) => [`${subtask.vertex.id}/${subtask.subtask}`, subtask]));
  const own = record.generations.filter((start) => start.graphVersion === graphVersion);
  for (const start of own) {
    for (const name of start.subtasks) {
      const { region } = present(indices.get(name), `subtask ${name} of a recorded generation`);
      regions.set(region, start);
    }
  }
  // Where the record has this version, a leader has seen the end of all that older ones ran.
  const isOver = record.graphVersion >= graphVersion;
  const predecessors = isOver ? [] : record.generations.filter((start) => !own.includes(start));
  return { regions, newest: record.generations.at(-1)?.generation, predecessors };
};

/** The newest of each subtask. */
export const attemptsOf = (job: JobId, starts: readonly GenerationRecord[]): readonly AttemptId[] => {
  const attempts = new Map<string, AttemptId>();
  for (const { generation, graphVersion, subtasks } of starts) {
    for (const name of subtasks) {
      const [vertex = '', subtask] = name.split('/');
      const attempt = { job, graphVersion, vertex: vertex as VertexId, subtask: Number(subtask), generation };
      attempts.set(name, attemptId(attempt));
    }
  }
  return [...attempts.values()];
};

/**
 * The newest completed checkpoint covers their end, and they have nothing left to commit (R11). A start that went back
 * behind that checkpoint runs them again.
 */
const coveredSubtasks = (
  execution: ExecutionGraph,
  completed: readonly CompletedCheckpoint[],
  { regions }: StartedRegions,
): ReadonlySet<number> => {
  const newest = completed.at(-1);
  if (newest === undefined) {
    return new Set();
  }
  const { settled } = new RestorePlan(execution, newest, { allowNonRestoredState: true });
  const isOfItsTime = ({ generation, restored }: GenerationRecord): boolean =>
    compareGenerations(generation, newest.metadata.generation) <= 0 || (restored ?? 0) >= newest.checkpointId;
  return new Set(
    [...settled].filter((index) => {
      const start = regions.get(execution.subtask(index).region);
      return start !== undefined && isOfItsTime(start);
    }),
  );
};

/** Who may run attempts that somebody has to report. */
export const awaitedTaskManagers = (
  execution: ExecutionGraph,
  { started, covered }: Pick<Recovery, 'started' | 'covered'>,
): readonly RecordedTaskManager[] => {
  const awaited = [...started.regions].filter(
    ([region]) => execution.regions[region]?.every((index) => covered.has(index)) !== true,
  );
  const starts = [...awaited.map(([, start]) => start), ...started.predecessors];
  return [...new Map(starts.flatMap(({ taskManagers }) => taskManagers.map((one) => [one.instanceId, one]))).values()];
};
