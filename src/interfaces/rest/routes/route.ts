import type { z } from 'zod';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { ClusterGateway, JobDetails } from '../cluster-gateway.ts';
import type { Operations } from '../operations.ts';
import { RestError } from '../rest-error.ts';
import { triggerIdSchema } from '../schema/operations-schema.ts';
import { hasEnded, jobIdSchema } from '../schema/job-state.ts';

export interface RouteContext {
  readonly gateway: ClusterGateway;
  /** Savepoints that are being deleted. */
  readonly disposals: Operations<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** Of this process: the leader's. */
  readonly restAddress: string;
}

export interface RouteRequest {
  /** What stands at the `:names` of the path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Reads the body, bounded, and checks it. */
  body<T>(schema: z.ZodType<T>): Promise<T>;
}

export interface RouteAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/jobs/:jobid/status`. */
  readonly path: string;
  /** Its body may be as large as `rest.server.max-content-length`; others are small. */
  readonly isLarge?: true;
  readonly handle: (request: RouteRequest, context: RouteContext) => Promise<RouteAnswer>;
}

export const ok = (body: unknown, status = 200): RouteAnswer => ({ status, body });

/** Errors: 400 for what is no job id. */
export const jobIdOf = (text: string | undefined): JobId => {
  const parsed = jobIdSchema.safeParse(text);
  if (!parsed.success) {
    throw new RestError(400, `'${(text ?? '').slice(0, 100)}' is no job id; a job id has 32 hex digits`);
  }
  return parsed.data as JobId;
};

/** Errors: 400 for what is no trigger id. */
export const triggerIdOf = ({ parameters }: RouteRequest): string => {
  const parsed = triggerIdSchema.safeParse(parameters['triggerid']);
  if (!parsed.success) {
    throw new RestError(400, 'a trigger id has 32 hex digits');
  }
  return parsed.data;
};

export const detailsOf = (request: RouteRequest, { gateway }: RouteContext): Promise<JobDetails> =>
  gateway.details(jobIdOf(request.parameters['jobid']));

/** Errors: 409 for a job that has ended. */
export const requireRunningJob = async (request: RouteRequest, context: RouteContext): Promise<JobDetails> => {
  const job = await detailsOf(request, context);
  if (hasEnded(job.status)) {
    throw new RestError(409, `job ${job.jobId} (${job.name}) has ended already: ${job.status}`);
  }
  return job;
};
