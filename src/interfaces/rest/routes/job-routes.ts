import { RestError } from '../rest-error.ts';
import { presentCheckpoints } from './present-checkpoints.ts';
import { presentFailures, presentJob, presentListEntry, presentResult } from './present-job.ts';
import { detailsOf, ok, requireRunningJob, type Route } from './route.ts';

const FAILURES_SHOWN = 16;

export const jobRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/jobs',
    handle: async (_request, { gateway }) =>
      ok({ jobs: (await gateway.list()).map(({ jobId, status }) => ({ id: jobId, status })) }),
  },
  {
    method: 'GET',
    path: '/jobs/overview',
    handle: async (_request, { gateway, clock }) => {
      const nowMs = clock.now();
      return ok({ jobs: (await gateway.list()).map((job) => presentListEntry(job, nowMs)) });
    },
  },
  {
    method: 'GET',
    path: '/jobs/:jobid',
    handle: async (request, context) => ok(presentJob(await detailsOf(request, context), context.clock.now())),
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/status',
    handle: async (request, context) => ok({ status: (await detailsOf(request, context)).status }),
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/checkpoints',
    handle: async (request, context) => ok(presentCheckpoints((await detailsOf(request, context)).checkpoints)),
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/exceptions',
    handle: async (request, context) => {
      const asked = request.query.get('maxExceptions');
      if (asked !== null && !/^[1-9]\d{0,5}$/.test(asked)) {
        throw new RestError(400, `maxExceptions is '${asked.slice(0, 100)}'; allowed: a whole number, 1 or more`);
      }
      const job = await detailsOf(request, context);
      return ok(presentFailures(job, asked === null ? FAILURES_SHOWN : Number(asked)));
    },
  },
  {
    method: 'GET',
    path: '/jobs/:jobid/execution-result',
    handle: async (request, context) => ok(presentResult(await detailsOf(request, context), context.clock.now())),
  },
  {
    method: 'POST',
    path: '/jobs/:jobid/retry',
    handle: async (request, context) => {
      const { jobId } = await requireRunningJob(request, context);
      await context.gateway.retry(jobId);
      return ok({ status: (await context.gateway.details(jobId)).status });
    },
  },
  {
    method: 'PATCH',
    path: '/jobs/:jobid',
    handle: async (request, context) => {
      const mode = request.query.get('mode') ?? 'cancel';
      if (mode === 'stop') {
        throw new RestError(308, 'mode=stop is gone in favour of POST /jobs/:jobid/stop');
      }
      if (mode !== 'cancel') {
        throw new RestError(400, `mode is '${mode.slice(0, 100)}'; allowed: cancel`);
      }
      const { jobId } = await requireRunningJob(request, context);
      await context.gateway.cancel(jobId);
      return ok({}, 202);
    },
  },
];
