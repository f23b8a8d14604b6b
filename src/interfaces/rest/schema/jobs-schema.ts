import { z } from 'zod';
import { jobIdSchema, jobStateSchema, taskStateSchema } from './job-state.ts';

const count = z.int().nonnegative();
/** Milliseconds since 1970; -1: not yet. */
const instant = z.number();

/** `GET /jobs`. */
export const jobIdsSchema = z.object({ jobs: z.array(z.object({ id: jobIdSchema, status: jobStateSchema })) });
export type JobIdsBody = z.infer<typeof jobIdsSchema>;

export const taskCountsSchema = z.object({
  total: count,
  created: count,
  scheduled: count,
  deploying: count,
  running: count,
  finished: count,
  canceling: count,
  canceled: count,
  failed: count,
  reconciling: count,
  initializing: count,
});
export type TaskCounts = z.infer<typeof taskCountsSchema>;

/** `GET /jobs/overview`. */
export const jobsOverviewSchema = z.object({
  jobs: z.array(
    z.object({
      jid: jobIdSchema,
      name: z.string(),
      state: jobStateSchema,
      'start-time': instant,
      'end-time': instant,
      duration: z.number(),
      'last-modification': instant,
      tasks: taskCountsSchema,
      /** Ours, for people: what keeps the job waiting. Empty: nothing does. */
      waiting: z.string(),
    }),
  ),
});
export type JobsOverviewBody = z.infer<typeof jobsOverviewSchema>;

const planNode = z.object({
  id: z.string(),
  parallelism: count,
  operator: z.string(),
  operator_strategy: z.string(),
  description: z.string(),
  inputs: z.array(z.object({ num: count, id: z.string(), ship_strategy: z.string(), exchange: z.string() })),
  optimizer_properties: z.object({}),
});

export const planSchema = z.object({
  jid: z.string(),
  name: z.string(),
  type: z.literal('STREAMING'),
  nodes: z.array(planNode),
});
export type PlanBody = z.infer<typeof planSchema>;

/** `GET /jobs/:jobid`. */
export const jobDetailsSchema = z.object({
  jid: jobIdSchema,
  name: z.string(),
  isStoppable: z.boolean(),
  state: jobStateSchema,
  'start-time': instant,
  'end-time': instant,
  duration: z.number(),
  maxParallelism: z.int(),
  now: instant,
  timestamps: z.record(z.string(), instant),
  vertices: z.array(
    z.object({
      id: z.string(),
      slotSharingGroupId: z.string(),
      name: z.string(),
      maxParallelism: z.int(),
      parallelism: count,
      status: taskStateSchema,
      tasks: z.record(z.string(), count),
      metrics: z.object({ 'read-records': count, 'write-records': count }),
    }),
  ),
  'status-counts': z.record(z.string(), count),
  plan: planSchema,
  /** Ours: what of it does not survive what. */
  notes: z.array(z.string()),
  /** Ours: what a waiting client shows. */
  progress: z.object({
    'records-in': count,
    'records-out': count,
    'late-records-dropped': count,
    restarts: count,
    /** For people: such as how many slots are missing. Empty: nothing keeps the job waiting. */
    waiting: z.string(),
  }),
});
export type JobDetailsBody = z.infer<typeof jobDetailsSchema>;

/** `GET /jobs/:jobid/status`. */
export const jobStatusSchema = z.object({ status: jobStateSchema });

const failure = z.object({ class: z.string(), 'stack-trace': z.string() });

/** `GET /jobs/:jobid/execution-result`. */
export const executionResultSchema = z.object({
  status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
  'job-execution-result': z.exactOptional(
    z.object({
      id: jobIdSchema,
      'application-status': z.enum(['SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN']),
      'accumulator-results': z.object({}),
      'net-runtime': z.number(),
      'failure-cause': z.exactOptional(failure),
      /** Ours: where a stop put its savepoint. */
      savepoint: z.exactOptional(z.string()),
      /** Ours: the newest checkpoint that the end of the job left there. */
      'retained-checkpoint': z.exactOptional(z.string()),
    }),
  ),
});
export type ExecutionResultBody = z.infer<typeof executionResultSchema>;

/** `GET /jobs/:jobid/exceptions`. */
export const exceptionsSchema = z.object({
  'root-exception': z.union([z.string(), z.null()]),
  timestamp: z.union([z.number(), z.null()]),
  'all-exceptions': z.array(z.unknown()),
  truncated: z.boolean(),
  exceptionHistory: z.object({
    entries: z.array(
      z.object({
        exceptionName: z.string(),
        stacktrace: z.string(),
        timestamp: z.number(),
        taskName: z.union([z.string(), z.null()]),
        endpoint: z.union([z.string(), z.null()]),
        taskManagerId: z.union([z.string(), z.null()]),
        concurrentExceptions: z.array(z.unknown()),
      }),
    ),
    truncated: z.boolean(),
  }),
});
export type ExceptionsBody = z.infer<typeof exceptionsSchema>;
