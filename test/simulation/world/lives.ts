import type { JobId } from '../../../src/foundation/common/ids.ts';
import type { JobSubmission, JobState } from '../../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import type { RescaleRequest, VertexParallelism } from '../../../src/runtime/protocol/rescale-request.ts';
import type { Client } from './client.ts';
import type { Life } from './plan.ts';
import type { Point } from './points.ts';

/** A job of a schedule, and what comes of it. */
export interface LivingJob {
  readonly life: Life;
  readonly askedAfterMs: number;
  /** `restore`: what it starts from. */
  readonly submission: (jobId: JobId, restore?: string) => JobSubmission;
  readonly jobId: JobId;
  /** It goes on under this id from the savepoint that a stop made. */
  readonly resumedId: JobId;
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
  pass('submitting');
  await client.submit(submission(jobId));
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
        pass('rescaling');
        await client.snapshot(jobId, async (gateway) =>
          gateway.rescale(jobId, rescaleTo(await gateway.parallelism(jobId), parallelism)),
        );
      }
      break;
    case 'stopped and resumed':
      if (await stopped(client, job)) {
        return ended(client, job, job.resumedId);
      }
      break;
    case 'cancelled':
      pass('cancelling');
      await client.ask((gateway) => gateway.cancel(jobId));
      job.cancelled(jobId);
  }
  return ended(client, job, jobId);
};

/** Whether it goes on under the other id. */
const stopped = async (client: Client, job: LivingJob): Promise<boolean> => {
  const { jobId, resumedId, pass } = job;
  pass('stopping with savepoint');
  const folder = await client.snapshot(jobId, (gateway) => gateway.stop(jobId, { triggerId: 'asked', drain: false }));
  if (folder === undefined) {
    return false;
  }
  job.saved(folder);
  await ended(client, job, jobId);
  await client.submit(job.submission(resumedId, folder));
  return true;
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
