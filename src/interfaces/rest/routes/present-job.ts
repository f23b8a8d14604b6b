import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobDetails, JobListEntry, TaskInfo } from '../cluster-gateway.ts';
import { hasEnded, taskStateSchema, type TaskState } from '../schema/job-state.ts';
import type {
  ExceptionsBody,
  ExecutionResultBody,
  JobDetailsBody,
  JobsOverviewBody,
  TaskCounts,
} from '../schema/jobs-schema.ts';
import { presentPlan } from './present-plan.ts';

export const presentListEntry = (job: JobListEntry, nowMs: number): JobsOverviewBody['jobs'][number] => ({
  jid: job.jobId,
  name: job.name,
  state: job.status,
  'start-time': job.startedMs,
  'end-time': job.endedMs ?? -1,
  duration: durationMs(job, nowMs),
  'last-modification': job.endedMs ?? job.startedMs,
  tasks: taskCounts(job.taskCounts),
  waiting: job.waiting ?? '',
});

export const presentJob = (job: JobDetails, nowMs: number): JobDetailsBody => {
  const vertices = (job.graph?.vertices ?? verticesOf(job.tasks)).map((vertex) => {
    const tasks = job.tasks.filter((task) => task.vertex === vertex.id);
    return {
      id: vertex.id,
      slotSharingGroupId: vertex.slotSharingGroup,
      name: vertex.name,
      maxParallelism: vertex.maxParallelism,
      parallelism: vertex.parallelism,
      status: vertexState(tasks),
      tasks: countsByState(tasks.map(({ state }) => state)),
      metrics: { 'read-records': sumOf(tasks, 'recordsIn'), 'write-records': sumOf(tasks, 'recordsOut') },
    };
  });
  return {
    jid: job.jobId,
    name: job.name,
    isStoppable: false,
    state: job.status,
    'start-time': job.startedMs,
    'end-time': job.endedMs ?? -1,
    duration: durationMs(job, nowMs),
    maxParallelism: Math.max(-1, ...vertices.map(({ maxParallelism }) => maxParallelism)),
    now: nowMs,
    timestamps: { ...job.timestamps },
    vertices,
    'status-counts': countsByState(vertices.map(({ status }) => status)),
    plan:
      job.graph === undefined
        ? { jid: job.jobId, name: job.name, type: 'STREAMING', nodes: [] }
        : presentPlan(job.jobId, job.graph),
    notes: [...job.notes],
    progress: {
      'records-in': sumOf(job.tasks, 'recordsFromSource'),
      'records-out': sumOf(job.tasks, 'recordsToSinks'),
      'late-records-dropped': job.tasks.reduce((sum, { metrics }) => sum + lateRecords(metrics?.counters ?? {}), 0),
      restarts: job.restarts,
      waiting: job.waiting ?? '',
    },
  };
};

/** What the tasks tell of a graph that is not at hand. */
const verticesOf = (tasks: readonly TaskInfo[]) =>
  [...new Set(tasks.map(({ vertex }) => vertex))].map((id) => {
    const own = tasks.filter(({ vertex }) => vertex === id);
    return { id, name: own[0]?.name ?? id, parallelism: own.length, maxParallelism: -1, slotSharingGroup: '' };
  });

const lateRecords = (counters: Readonly<Record<string, Readonly<Record<string, number>>>>): number =>
  Object.values(counters).reduce((sum, each) => sum + (each['numLateRecordsDropped'] ?? 0), 0);

type CountedMetric = 'recordsIn' | 'recordsOut' | 'recordsFromSource' | 'recordsToSinks';

const sumOf = (tasks: readonly TaskInfo[], metric: CountedMetric): number =>
  tasks.reduce((sum, { metrics }) => sum + (metrics?.[metric] ?? 0), 0);

const durationMs = ({ startedMs, endedMs }: JobListEntry, nowMs: number): number =>
  Math.max(0, (endedMs ?? nowMs) - startedMs);

const countsByState = (states: readonly TaskState[]): Record<TaskState, number> => {
  const counts = Object.fromEntries(taskStateSchema.options.map((state) => [state, 0])) as Record<TaskState, number>;
  for (const state of states) {
    counts[state]++;
  }
  return counts;
};

const taskCounts = (known: JobListEntry['taskCounts']): TaskCounts => {
  const counts = { ...countsByState([]), ...known };
  return {
    total: Object.values(counts).reduce((sum, count) => sum + count, 0),
    created: counts.CREATED,
    scheduled: counts.SCHEDULED,
    deploying: counts.DEPLOYING,
    running: counts.RUNNING,
    finished: counts.FINISHED,
    canceling: counts.CANCELING,
    canceled: counts.CANCELED,
    failed: counts.FAILED,
    reconciling: counts.RECONCILING,
    initializing: counts.INITIALIZING,
  };
};

/** What tells most about all its subtasks: the first of these that one of them is in; a vertex is as far as its slowest. */
const TELLING: readonly TaskState[] = [
  'FAILED',
  'CANCELING',
  'CANCELED',
  'RECONCILING',
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
];

const vertexState = (tasks: readonly TaskInfo[]): TaskState =>
  TELLING.find((state) => tasks.some((task) => task.state === state)) ?? 'CREATED';

export const presentResult = (job: JobDetails, nowMs: number): ExecutionResultBody => {
  const { status } = job;
  if (!hasEnded(status)) {
    return { status: { id: 'IN_PROGRESS' } };
  }
  const [failure] = job.failures;
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: job.jobId,
      'application-status': status === 'FINISHED' ? 'SUCCEEDED' : status,
      'accumulator-results': {},
      'net-runtime': durationMs(job, nowMs),
      ...(status === 'FAILED' && failure !== undefined ? { 'failure-cause': presentFailure(failure.error) } : {}),
      ...(job.savepoint === undefined ? {} : { savepoint: job.savepoint }),
      ...(job.retainedCheckpoint === undefined ? {} : { 'retained-checkpoint': job.retainedCheckpoint }),
    },
  };
};

/** Flink's shape of an error: its class, and a text that has the message first. */
export const presentFailure = (error: ErrorInfo): { readonly class: string; readonly 'stack-trace': string } => ({
  class: error.code ?? error.name,
  'stack-trace': stackOf(error),
});

const stackOf = (error: ErrorInfo): string => {
  const own = error.stack?.includes(error.message) === true ? error.stack : `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`;
};

export const presentFailures = (job: JobDetails, maxCount: number): ExceptionsBody => {
  const [newest] = job.failures;
  const shown = job.failures.slice(0, maxCount);
  return {
    'root-exception': newest === undefined ? null : stackOf(newest.error),
    timestamp: newest?.atMs ?? null,
    'all-exceptions': [],
    truncated: false,
    exceptionHistory: {
      entries: shown.map(({ atMs, error, task, taskManager }) => ({
        exceptionName: error.code ?? error.name,
        stacktrace: stackOf(error),
        timestamp: atMs,
        taskName: task ?? null,
        endpoint: taskManager ?? null,
        taskManagerId: taskManager ?? null,
        concurrentExceptions: [],
      })),
      truncated: shown.length < job.failures.length,
    },
  };
};
