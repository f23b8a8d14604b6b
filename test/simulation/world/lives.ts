import { codeOf } from '../../../src/foundation/common/errors.ts';
import type { JobId } from '../../../src/foundation/common/ids.ts';
import type {
  ClusterGateway,
  JobSubmission,
  JobState,
} from '../../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import type { RescaleRequest, VertexParallelism } from '../../../src/runtime/protocol/rescale-request.ts';
import type { Client } from './client.ts';
import type { Life } from './plan.ts';
import type { Point } from './points.ts';
import type { Size } from './sizes.ts';

/** A job of a schedule, and what comes of it. */
export interface LivingJob {
  readonly life: Life;
  readonly askedAfterMs: number;
  /** `restore`: what it starts from. */
  readonly submission: (jobId: JobId, restore?: string) => JobSubmission;
  readonly jobId: JobId;
  /** It goes on under this id from the savepoint that a stop made. */
  readonly resumedId: JobId;
  /** A request is on its way to whoever leads. */
  readonly pass: (point: Point) => void;
  /** A client has heard of its end. */
  readonly ended: (jobId: JobId, state: JobState) => void;
  /** A client was told that it is cancelled. */
  readonly cancelled: (jobId: JobId) => void;
  /** A client was told of this savepoint. */
  readonly saved: (folder: string) => void;
}

/** What users do with a job from its submission on. Resolves with its end: CANCELED where they wanted that. */
export const live = async (client: Client, job: LivingJob): Promise<JobState> => {
  const { life, jobId, submission, pass, askedAfterMs } = job;
  await client.ask(at('submitting', pass, (gateway) => gateway.submit(submission(jobId)))).catch((error: unknown) => {
    // It was accepted, the answer got lost, and it has ended since then.
    if (codeOf(error) !== 'JOB_ENDED') {
      throw error;
    }
  });
  if (life !== 'left alone') {
    await client.runs(jobId);
    await client.wait(askedAfterMs);
  }
  switch (life) {
    case 'left alone':
      break;
    case 'checkpointed':
      await client.snapshot(jobId, (gateway) => gateway.checkpoint(jobId, { triggerId: 'asked' }));
      break;
    case 'saved': {
      const folder = await client.snapshot(jobId, (gateway) => gateway.savepoint(jobId, { triggerId: 'asked' }));
      if (folder !== undefined) {
        job.saved(folder);
      }
      break;
    }
    case 'rescaled':
      for (const parallelism of [1, 3]) {
        await client.snapshot(
          jobId,
          at('rescaling', pass, async (gateway) =>
            gateway.rescale(jobId, rescaleTo(await gateway.parallelism(jobId), parallelism)),
          ),
        );
      }
      break;
    case 'stopped and resumed':
      if (await stopped(client, job)) {
        return ended(client, job, job.resumedId);
      }
      break;
    case 'cancelled':
      await client.ask(at('cancelling', pass, (gateway) => gateway.cancel(jobId)));
      job.cancelled(jobId);
  }
  return ended(client, job, jobId);
};

/** Whether it goes on under the other id. */
const stopped = async (client: Client, job: LivingJob): Promise<boolean> => {
  const { jobId, resumedId, pass } = job;
  const folder = await client.snapshot(
    jobId,
    at('stopping with savepoint', pass, (gateway) => gateway.stop(jobId, { triggerId: 'asked', drain: false })),
  );
  if (folder === undefined) {
    return false;
  }
  job.saved(folder);
  await ended(client, job, jobId);
  await client.ask((gateway) => gateway.submit(job.submission(resumedId, folder)));
  return true;
};

/** The same request, which passes the point as soon as it has begun. */
const at =
  <T>(point: Point, pass: (point: Point) => void, call: (gateway: ClusterGateway) => Promise<T>) =>
  (gateway: ClusterGateway): Promise<T> => {
    const answer = call(gateway);
    pass(point);
    return answer;
  };

const ended = async (client: Client, job: LivingJob, jobId: JobId): Promise<JobState> => {
  const state = await client.ended(jobId);
  job.ended(jobId, state);
  return state;
};

const rescaleTo = (vertices: readonly VertexParallelism[], parallelism: number): RescaleRequest => {
  const bounds = { lowerBound: parallelism, upperBound: parallelism };
  return { triggerId: `to-${parallelism}`, vertices: Object.fromEntries(vertices.map(({ id }) => [id, bounds])) };
};

/** How a job ended for its users. */
export interface LifeEnd {
  readonly size: Size;
  readonly state: JobState;
}

/** All users of a schedule. */
export interface Lives {
  /** Throws what one of them has to say against the cluster. */
  areOver(): boolean;
  ends(): Promise<readonly LifeEnd[]>;
}

export const livesOf = (users: readonly Promise<LifeEnd>[]): Lives => {
  const over = Promise.all(users);
  let areOver = false;
  let failure: unknown;
  over.then(
    () => {
      areOver = true;
    },
    (thrown: unknown) => {
      areOver = true;
      failure = thrown;
    },
  );
  return {
    areOver: () => {
      if (failure !== undefined) {
        throw failure;
      }
      return areOver;
    },
    ends: () => over,
  };
};
