import type { SavepointRequest } from '../cluster-gateway.ts';
import type { OperationState } from '../operations.ts';
import { RestError } from '../rest-error.ts';
import {
  checkpointRequestSchema,
  disposalRequestSchema,
  savepointRequestSchema,
  stopRequestSchema,
  triggerIdSchema,
  type OperationBody,
  type TriggerBody,
} from '../schema/operations-schema.ts';
import { presentFailure } from './present-job.ts';
import {
  jobIdOf,
  ok,
  requireRunningJob,
  type OperationResult,
  type Route,
  type RouteAnswer,
  type RouteContext,
  type RouteRequest,
} from './route.ts';

type Trigger = { readonly triggerId?: string | null };

/** Starts a savepoint with what comes after it; a stop is one too, and is asked for as one. */
const startSavepoint = async (
  request: RouteRequest,
  context: RouteContext,
  { triggerId }: Trigger,
  savepoint: SavepointRequest,
): Promise<RouteAnswer> => {
  const jobId = jobIdOf(request.parameters['jobid']);
  return startOnce(context, `savepoint/${jobId}`, triggerId, 202, async () => {
    await requireRunningJob(request, context);
    return async () => ({ location: await context.gateway.savepoint(jobId, savepoint) });
  });
};

/** The same trigger id again is the same operation, also when the job has ended through it meanwhile. */
const startOnce = async (
  { operations, random }: RouteContext,
  scope: string,
  asked: string | null | undefined,
  status: number,
  prepare: () => Promise<() => Promise<OperationResult>>,
): Promise<RouteAnswer> => {
  const triggerId = asked ?? random.hex(32);
  const key = `${scope}/${triggerId}`;
  if (operations.get(key) === undefined) {
    operations.start(key, await prepare());
  }
  const body: TriggerBody = { 'request-id': triggerId };
  return ok(body, status);
};

const readOperation = (scope: string, { parameters }: RouteRequest, { operations }: RouteContext): RouteAnswer => {
  const triggerId = triggerIdSchema.safeParse(parameters['triggerid']);
  if (!triggerId.success) {
    throw new RestError(400, 'the trigger id has to have 32 hex digits');
  }
  const state = operations.get(`${scope}/${triggerId.data}`);
  if (state === undefined) {
    throw new RestError(
      404,
      `no operation ${triggerId.data}: it was never triggered, is forgotten, or another JobManager leads since; trigger it again`,
    );
  }
  return ok(presentOperation(state));
};

export const presentOperation = (state: OperationState<OperationResult>): OperationBody => {
  switch (state.kind) {
    case 'in-progress':
      return { status: { id: 'IN_PROGRESS' } };
    case 'done':
      return { status: { id: 'COMPLETED' }, operation: state.value };
    case 'failed':
      return { status: { id: 'COMPLETED' }, operation: { 'failure-cause': presentFailure(state.error) } };
  }
};

export const operationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/jobs/:jobid/stop',
    handle: async (request, context) => {
      const body = await request.body(stopRequestSchema);
      return startSavepoint(request, context, body, {
        folder: body.targetDirectory ?? undefined,
        afterwards: body.drain === true ? 'drain' : 'stop',
      });
    },
  },
  {
    method: 'POST',
    path: '/jobs/:jobid/savepoints',
    handle: async (request, context) => {
      const body = await request.body(savepointRequestSchema);
      return startSavepoint(request, context, body, {
        folder: body['target-directory'] ?? undefined,
        afterwards: body['cancel-job'] === true ? 'cancel' : 'go-on',
      });
    },
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/savepoints/:triggerid',
    handle: (request, context) =>
      Promise.resolve(readOperation(`savepoint/${jobIdOf(request.parameters['jobid'])}`, request, context)),
  },
  {
    method: 'POST',
    path: '/jobs/:jobid/checkpoints',
    handle: async (request, context) => {
      const { triggerId } = await request.body(checkpointRequestSchema);
      const jobId = jobIdOf(request.parameters['jobid']);
      return startOnce(context, `checkpoint/${jobId}`, triggerId, 202, async () => {
        await requireRunningJob(request, context);
        return async () => {
          const { checkpointId, path } = await context.gateway.checkpoint(jobId);
          return { checkpointId, external_path: path };
        };
      });
    },
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/checkpoints/:triggerid',
    handle: (request, context) =>
      Promise.resolve(readOperation(`checkpoint/${jobIdOf(request.parameters['jobid'])}`, request, context)),
  },
  {
    method: 'POST',
    path: '/savepoint-disposal',
    handle: async (request, context) => {
      const body = await request.body(disposalRequestSchema);
      return startOnce(context, 'disposal', body.triggerId, 200, () =>
        Promise.resolve(async () => {
          await context.gateway.disposeSavepoint(body['savepoint-path']);
          return {};
        }),
      );
    },
  },
  {
    method: 'GET',
    path: '/savepoint-disposal/:triggerid',
    handle: (request, context) => Promise.resolve(readOperation('disposal', request, context)),
  },
];
