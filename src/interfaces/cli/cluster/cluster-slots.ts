import { hasEnded } from '../../rest/schema/job-state.ts';
import { jobsOverviewSchema } from '../../rest/schema/jobs-schema.ts';
import type { ClusterOverviewBody } from '../../rest/schema/cluster-schema.ts';
import type { RestClient } from './rest-client.ts';

/** So many jobs are listed. */
const JOBS_LISTED = 20;

/** Lines on the slots of the cluster, and on each job that waits. */
export const clusterSlots = async (
  overview: ClusterOverviewBody,
  client: Pick<RestClient, 'ask'>,
): Promise<readonly string[]> => {
  const { jobs } = await client.ask('GET', '/jobs/overview', jobsOverviewSchema);
  const waiting = jobs.filter((job) => job.waiting !== '' && !hasEnded(job.state));
  const rest = waiting.length - JOBS_LISTED;
  return [
    `slots free: ${overview['slots-available']} of ${overview['slots-total']}`,
    `slots free after the loss of the largest TaskManager: ${afterLoss(overview['slots-available-after-largest-loss'])}`,
    ...waiting.slice(0, JOBS_LISTED).map((job) => `job ${job.name} (${job.jid}) waits: ${job.waiting}`),
    ...(rest > 0 ? [`${rest} more jobs wait; millrace list has them all`] : []),
  ];
};

/** Below 0 it is what is missing. */
const afterLoss = (free: number): string => (free < 0 ? `${free} (${-free} too few for what runs)` : `${free}`);
