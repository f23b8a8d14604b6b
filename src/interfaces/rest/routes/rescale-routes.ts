import type { ParallelismBounds } from '../../../runtime/protocol/rescale-request.ts';
import type { SnapshotStatus } from '../../../runtime/protocol/snapshot-requests.ts';
import type { OperationBody, TriggerBody } from '../schema/operations-schema.ts';
import {
  rescalingRequestSchema,
  resourceRequirementsSchema,
  type ResourceRequirementsBody,
} from '../schema/rescale-schema.ts';
import { presentFailure } from './present-job.ts';
import { jobIdOf, ok, requireRunningJob, triggerIdOf, type Route } from './route.ts';

const present = (status: SnapshotStatus): OperationBody => {
  switch (status.state) {
    case 'in-progress':
      return { status: { id: 'IN_PROGRESS' } };
    case 'completed':
      // The checkpoint that it went on from; none where nothing had to be changed.
      return { status: { id: 'COMPLETED' }, operation: status.location === '' ? {} : { location: status.location } };
    case 'failed':
      return { status: { id: 'COMPLETED' }, operation: { 'failure-cause': presentFailure(status.error) } };
  }
};

const exactly = (parallelism: number): ParallelismBounds => ({ lowerBound: parallelism, upperBound: parallelism });

const mapped = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

export const rescaleRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/jobs/:jobid/resource-requirements',
    handle: async (request, context) => {
      const { jobId } = await requireRunningJob(request, context);
      const vertices = await context.gateway.parallelism(jobId);
      const body: ResourceRequirementsBody = Object.fromEntries(
        vertices.map(({ id, parallelism }) => [id, { parallelism: { lowerBound: 1, upperBound: parallelism } }]),
      );
      return ok(body);
    },
  },
  {
    method: 'PUT',
    path: '/jobs/:jobid/resource-requirements',
    handle: async (request, context) => {
      const body = await request.body(resourceRequirementsSchema);
      const { jobId } = await requireRunningJob(request, context);
      await context.gateway.rescale(jobId, { vertices: mapped(body, ({ parallelism }) => parallelism) });
      return ok({});
    },
  },
  {
    method: 'PATCH',
    path: '/jobs/:jobid/rescaling',
    handle: async (request, context) => {
      const { parallelism, vertices, triggerId } = await request.body(rescalingRequestSchema);
      const { jobId } = await requireRunningJob(request, context);
      const { triggerId: trigger } = await context.gateway.rescale(jobId, {
        ...(typeof triggerId === 'string' ? { triggerId } : {}),
        ...(typeof parallelism === 'number' ? { parallelism } : {}),
        vertices: mapped(vertices ?? {}, exactly),
      });
      const body: TriggerBody = { 'request-id': trigger };
      return ok(body);
    },
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/rescaling/:triggerid',
    handle: async (request, { gateway }) =>
      ok(present(await gateway.snapshotStatus(jobIdOf(request.parameters['jobid']), triggerIdOf(request)))),
  },
];
