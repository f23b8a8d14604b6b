import type { SnapshotStatus } from '../../../runtime/protocol/snapshot-requests.ts';
import type { OperationState } from '../operations.ts';
import { RestError } from '../rest-error.ts';
import {
  checkpointRequestSchema,
  disposalRequestSchema,
  savepointRequestSchema,
  stopRequestSchema,
  type OperationBody,
  type TriggerBody,
} from '../schema/operations-schema.ts';
import { presentFailure } from './present-job.ts';
import { jobIdOf, ok, triggerIdOf, type Route, type RouteAnswer } from './route.ts';

const triggered = (triggerId: string, status = 202): RouteAnswer => {
  const body: TriggerBody = { 'request-id': triggerId };
  return ok(body, status);
};

const trigger = (triggerId: string | null | undefined): { readonly triggerId?: string } =>
  typeof triggerId === 'string' ? { triggerId } : {};

const directory = (folder: string | null | undefined): { readonly directory?: string } =>
  typeof folder === 'string' ? { directory: folder } : {};

const presentSnapshot = (status: SnapshotStatus): OperationBody => {
  switch (status.state) {
    case 'in-progress':
      return { status: { id: 'IN_PROGRESS' } };
    case 'completed': {
      const { location } = status;
      const checkpoint = /\/chk-(?<id>\d+)\/?$/.exec(location)?.groups?.['id'];
      return {
        status: { id: 'COMPLETED' },
        operation: { location, ...(checkpoint === undefined ? {} : { checkpointId: Number(checkpoint) }) },
      };
    }
    case 'failed':
      return { status: { id: 'COMPLETED' }, operation: { 'failure-cause': presentFailure(status.error) } };
  }
};

const presentDisposal = (state: OperationState<void>): OperationBody => {
  switch (state.kind) {
    case 'in-progress':
      return { status: { id: 'IN_PROGRESS' } };
    case 'done':
      return { status: { id: 'COMPLETED' }, operation: {} };
    case 'failed':
      return { status: { id: 'COMPLETED' }, operation: { 'failure-cause': presentFailure(state.error) } };
  }
};

const snapshotStatus: Route['handle'] = async (request, { gateway }) =>
  ok(presentSnapshot(await gateway.snapshotStatus(jobIdOf(request.parameters['jobid']), triggerIdOf(request))));

export const operationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/jobs/:jobid/stop',
    handle: async (request, { gateway }) => {
      const jobId = jobIdOf(request.parameters['jobid']);
      const body = await request.body(stopRequestSchema);
      const { triggerId } = await gateway.stop(jobId, {
        ...trigger(body.triggerId),
        ...directory(body.targetDirectory),
        drain: body.drain === true,
      });
      return triggered(triggerId);
    },
  },
  {
    method: 'POST',
    path: '/jobs/:jobid/savepoints',
    handle: async (request, { gateway }) => {
      const jobId = jobIdOf(request.parameters['jobid']);
      const body = await request.body(savepointRequestSchema);
      const asked = { ...trigger(body.triggerId), ...directory(body['target-directory']) };
      // A cancel with a savepoint that left output uncommitted would serve nobody: it is a stop.
      const { triggerId } = await (body['cancel-job'] === true
        ? gateway.stop(jobId, { ...asked, drain: false })
        : gateway.savepoint(jobId, asked));
      return triggered(triggerId);
    },
  },
  {
    method: 'POST',
    path: '/jobs/:jobid/checkpoints',
    handle: async (request, { gateway }) => {
      const jobId = jobIdOf(request.parameters['jobid']);
      const body = await request.body(checkpointRequestSchema);
      const { triggerId } = await gateway.checkpoint(jobId, trigger(body.triggerId));
      return triggered(triggerId);
    },
  },
  { method: 'GET', path: '/jobs/:jobid/savepoints/:triggerid', handle: snapshotStatus },
  { method: 'GET', path: '/jobs/:jobid/checkpoints/:triggerid', handle: snapshotStatus },
  {
    method: 'POST',
    path: '/savepoint-disposal',
    handle: async (request, { gateway, disposals, random }) => {
      const body = await request.body(disposalRequestSchema);
      const triggerId = body.triggerId ?? random.hex(32);
      disposals.start(triggerId, () => gateway.disposeSavepoint(body['savepoint-path']));
      return triggered(triggerId, 200);
    },
  },
  {
    method: 'GET',
    path: '/savepoint-disposal/:triggerid',
    handle: (request, { disposals }) => {
      const triggerId = triggerIdOf(request);
      const state = disposals.get(triggerId);
      if (state === undefined) {
        throw new RestError(
          404,
          `no disposal ${triggerId}: it was never asked for, is forgotten, or another JobManager leads since; ask again`,
        );
      }
      return Promise.resolve(ok(presentDisposal(state)));
    },
  },
];
