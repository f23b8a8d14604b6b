import { z } from 'zod';
import type { DataLocation } from '../../foundation/common/data-location.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import { fenceSchema } from '../../foundation/common/fence.ts';
import type { AttemptId, AttemptRef, CheckpointId, OperatorId } from '../../foundation/common/ids.ts';
import { probeReplySchema, probeTargetSchema } from './reachability.ts';
import { standbyStateSchema } from './standbys.ts';
import type { SubtaskState } from '../state/state-handle.ts';
import type {
  AttemptReport,
  TaskCommand,
  TaskDeployment,
  TaskMetrics,
  TaskReport,
  TaskState,
} from './task-commands.ts';

/**
 * What JobManager and TaskManagers say to each other, a schema for each message. Commands and reports name lineage and epoch
 * (I2). A TaskManager connects and registers; from then on the leader's commands and the TaskManager's reports each are one
 * ordered stream (R15).
 */
const count = z.int().nonnegative();
const name = z.string().min(1).max(1024);
const attemptId = name as unknown as z.ZodType<AttemptId>;
const operatorId = name as unknown as z.ZodType<OperatorId>;
const checkpointId = count as unknown as z.ZodType<CheckpointId>;

/** Parts whose shape is the sender's own business, made and read by the same version (the hello checks it). */
const opaque = <T>(): z.ZodType<T> => z.custom<T>((value) => typeof value === 'object' && value !== null);

const errorInfoSchema: z.ZodType<ErrorInfo> = z.lazy(() =>
  z.object({
    name: z.string(),
    message: z.string(),
    code: z.exactOptional(z.string()),
    retryable: z.exactOptional(z.literal(true)),
    stack: z.exactOptional(z.string()),
    cause: z.exactOptional(errorInfoSchema),
    lostInstanceId: z.exactOptional(z.string()),
  }),
);

const attemptRef = z.object({
  job: name,
  graphVersion: count,
  vertex: name,
  subtask: count,
  generation: z.object({ epoch: count, number: count }),
}) as unknown as z.ZodType<AttemptRef>;

const taskState: z.ZodType<TaskState> = z.enum([
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
  'CANCELED',
  'FAILED',
]);

const attemptReport: z.ZodType<AttemptReport> = z.object({
  attempt: attemptRef,
  slot: count,
  state: taskState,
  error: z.exactOptional(errorInfoSchema),
  ended: z.boolean(),
  drained: z.boolean(),
  acceptedSince: z.exactOptional(count),
  completedId: count,
  highestId: count,
  readers: z.array(
    z.object({
      operatorId,
      accepted: z.array(z.object({ split: z.unknown(), afterCheckpoint: count })),
      requests: count,
      noMoreSplits: z.boolean(),
    }),
  ),
});

export const taskReportSchema: z.ZodType<TaskReport> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('state'),
    attempt: attemptId,
    state: taskState,
    error: z.exactOptional(errorInfoSchema),
  }),
  z.object({ kind: z.literal('ended'), attempt: attemptId }),
  z.object({
    kind: z.literal('acknowledge'),
    attempt: attemptId,
    checkpointId,
    state: opaque<SubtaskState>(),
    final: z.boolean(),
    alignmentMs: z.number(),
    syncMs: z.number(),
    asyncMs: z.number(),
    writtenBytes: z.number(),
  }),
  z.object({ kind: z.literal('decline'), attempt: attemptId, checkpointId, error: errorInfoSchema }),
  z.object({ kind: z.literal('reader-registered'), attempt: attemptId, operatorId, held: z.array(z.unknown()) }),
  z.object({ kind: z.literal('split-request'), attempt: attemptId, operatorId }),
]);

const taskCommandSchema: z.ZodType<TaskCommand> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('trigger'),
    trigger: z.object({
      checkpointId,
      timestampMs: z.number(),
      base: z.union([checkpointId, z.undefined()]),
      kind: z.enum(['checkpoint', 'savepoint']),
      folder: z.string(),
      stop: z.enum(['no', 'suspend', 'drain']),
    }),
  }),
  z.object({ kind: z.literal('completed'), checkpointId }),
  z.object({ kind: z.literal('aborted'), checkpointId }),
  z.object({ kind: z.literal('floor'), checkpointId }),
  z.object({ kind: z.literal('splits'), operatorId, splits: z.array(z.unknown()) }),
  z.object({ kind: z.literal('no-more-splits'), operatorId }),
  z.object({ kind: z.literal('cancel') }),
]);

const deploymentSchema: z.ZodType<TaskDeployment> = opaque<TaskDeployment>().refine(
  ({ attempt, slot }) => attemptRef.safeParse(attempt).success && count.safeParse(slot).success,
  { error: 'names no attempt or no slot' },
);

const dataLocation: z.ZodType<DataLocation> = z.object({
  host: name,
  port: z.int().min(1).max(65_535),
  instanceId: name,
  thread: count,
});

/** What a TaskManager says of itself when it registers; it owns its slots. */
export const taskManagerRegistrationSchema = z.object({
  /** The same over restarts (`taskmanager.resource-id`). */
  resourceId: name,
  /** New with each start of the process. */
  instanceId: name,
  /** `host:port` on which it answers hellos, for whoever wants to know whether it lives. */
  rpcAddress: name,
  slots: count.max(100_000),
  /** The data port of each slot's thread. */
  data: z.array(dataLocation),
  memoryBytes: count,
  cores: count,
});
export type TaskManagerRegistration = z.infer<typeof taskManagerRegistrationSchema>;

/** What a JobManager serves for TaskManagers. */
export const jobManagerProtocol = {
  /**
   * The registration with all that the TaskManager runs (R15). Answered with the leadership that it follows now. Errors:
   * FENCED (retryable) by a process that does not lead, HELLO_REFUSED when another living process has this resource id.
   */
  registerTaskManager: {
    kind: 'call',
    request: z.object({
      registration: taskManagerRegistrationSchema,
      fence: z.union([fenceSchema, z.undefined()]),
      /** Instance id of the JobManager that it was registered with under that fence. */
      leader: z.exactOptional(name),
      attempts: z.array(attemptReport),
    }),
    reply: z.object({ fence: fenceSchema }),
  },
  taskReport: { kind: 'send', request: z.object({ fence: fenceSchema, job: name, report: taskReportSchema }) },
  taskMetrics: {
    kind: 'send',
    request: z.object({ fence: fenceSchema, job: name, metrics: z.array(opaque<TaskMetrics>()) }),
  },
  /** The data ports after a thread was started anew. */
  dataLocations: { kind: 'send', request: z.object({ fence: fenceSchema, data: z.array(dataLocation) }) },
  heartbeat: { kind: 'send', request: z.undefined() },
} as const;
export type JobManagerProtocol = typeof jobManagerProtocol;

/** What a TaskManager serves for the leader. Each may come twice (R15). */
export const taskManagerProtocol = {
  deploy: { kind: 'send', request: z.object({ fence: fenceSchema, deployments: z.array(deploymentSchema) }) },
  command: {
    kind: 'send',
    request: z.object({ fence: fenceSchema, attempt: attemptId, command: taskCommandSchema }),
  },
  /** The job has ended: its attempts leave the table, its slots are free. */
  releaseJob: { kind: 'send', request: z.object({ fence: fenceSchema, job: name }) },
  /** Answered in order with the commands before it. */
  ping: { kind: 'call', request: z.object({ fence: fenceSchema }), reply: z.object({ fence: fenceSchema }) },
  /** Which of these ports it reaches, for `millrace hosts check`. */
  probe: {
    kind: 'call',
    request: z.object({ fence: fenceSchema, targets: z.array(probeTargetSchema) }),
    reply: probeReplySchema,
  },
  heartbeat: { kind: 'send', request: z.undefined() },
} as const;
export type TaskManagerProtocol = typeof taskManagerProtocol;

const taskManagerHint = z.object({ instanceId: name, rpcAddress: name });
/** A TaskManager that the leader knows, and where it answers hellos. */
export type TaskManagerHint = z.infer<typeof taskManagerHint>;

/** What a standby serves for the leader, over the connection that the standby keeps to it. */
export const standbyProtocol = {
  /** Who is there, after each change: a hint, so that nobody waits for a process that died with the leader (R11). */
  taskManagers: { kind: 'send', request: z.object({ fence: fenceSchema, taskManagers: z.array(taskManagerHint) }) },
  /** Where it is reached, and how warm it is. */
  describe: {
    kind: 'call',
    request: z.undefined(),
    reply: z.object({
      instanceId: name,
      rpcAddress: name,
      restAddress: z.string(),
      state: z.exactOptional(standbyStateSchema),
    }),
  },
  /** Which of these ports it reaches, for `millrace hosts check`. */
  probe: { kind: 'call', request: z.object({ targets: z.array(probeTargetSchema) }), reply: probeReplySchema },
} as const;
export type StandbyProtocol = typeof standbyProtocol;
