import type { Clock } from '../../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { emptySchema, type ClusterOverviewBody } from '../rest/schema/cluster-schema.ts';
import { ClusterJobControl } from './cluster/cluster-job-control.ts';
import type { RestClient } from './cluster/rest-client.ts';
import { sayContinuation } from './control-commands.ts';
import type { JobSummary } from './job-control.ts';
import type { ClusterSuspension } from './local-cluster.ts';
import type { Terminal } from './terminal.ts';

export interface ClusterStopRequest {
  /** `undefined`: nobody leads. */
  readonly overview: ClusterOverviewBody | undefined;
  readonly client: RestClient | undefined;
  readonly takesCheckpoints: boolean;
  readonly stopsJobs: boolean;
  /** Job graphs and pointers outlive the processes. */
  readonly isHighlyAvailable: boolean;
  readonly terminal: Terminal;
  readonly clock: Clock;
}

/** What is done with the jobs of a cluster before its processes end. Errors: REMOTE_FAILED, UNREACHABLE: then nothing ends. */
export const settleJobs = async (request: ClusterStopRequest): Promise<ClusterSuspension> => {
  const { client, overview, stopsJobs, takesCheckpoints, terminal } = request;
  if (client === undefined || overview === undefined) {
    if (stopsJobs) {
      throw new MillraceError(
        'UNREACHABLE',
        'no JobManager answers, so that no job can be stopped; leave --stop-jobs out, then jobs go on at the next start',
      );
    }
    if (takesCheckpoints) {
      terminal.log(
        'WARN no JobManager leads, so that no checkpoints are taken: jobs go on from the newest ones they have',
      );
    }
    return { leaderPort: undefined, suspend: () => Promise.resolve() };
  }
  const control = new ClusterJobControl(client, (line) => terminal.log(line));
  const jobs = (await control.list()).filter(({ hasEnded }) => hasEnded !== true);
  if (stopsJobs) {
    await stopJobs(jobs, control, terminal);
  } else {
    await takeCheckpoints(jobs, control, request);
  }
  return {
    leaderPort: portOf(overview),
    suspend: async () => {
      await client.ask('POST', '/cluster/suspend', emptySchema, {});
    },
  };
};

const stopJobs = async (jobs: readonly JobSummary[], control: ClusterJobControl, terminal: Terminal): Promise<void> => {
  const failed: string[] = [];
  for (const job of jobs) {
    if (isUnstarted(job)) {
      // Its savepoint would come when it gets slots, and until then no other job would be stopped.
      failed.push(`${nameOf(job)} does not run${job.waiting === undefined ? '' : `: ${job.waiting}`}`);
      continue;
    }
    terminal.log(`Stopping ${nameOf(job)} with a savepoint ...`);
    try {
      await sayContinuation(terminal, await control.stop(job.jobId, { drain: false }));
    } catch (thrown) {
      failed.push(`${nameOf(job)}: ${messageOf(thrown)}`);
    }
  }
  if (failed.length > 0) {
    throw new MillraceError(
      'REMOTE_FAILED',
      `the cluster goes on, for not every job could be stopped; cancel those, or leave --stop-jobs out, then they go on at the next ` +
        `start:\n${failed.join('\n')}`,
    );
  }
};

const isUnstarted = ({ status, waiting }: JobSummary): boolean => status === 'CREATED' || waiting !== undefined;

/** A job that has no slots, or is deep in trouble, must not keep the cluster from stopping. */
const LAST_CHECKPOINT_MS = 30_000;

/** Best effort: what has a checkpoint goes on from it anyhow. */
const takeCheckpoints = async (
  jobs: readonly JobSummary[],
  control: ClusterJobControl,
  { takesCheckpoints, isHighlyAvailable, terminal, clock }: ClusterStopRequest,
): Promise<void> => {
  const taken = await Promise.all(
    jobs.map(async (job) => (takesCheckpoints ? checkpointOf(job, control, { terminal, clock }) : undefined)),
  );
  if (isHighlyAvailable) {
    return;
  }
  for (const [index, job] of jobs.entries()) {
    terminal.log(`WARN ${nameOf(job)} ends with the cluster, which has no HA store (high-availability.type: none)`);
    const checkpoint = taken[index];
    if (checkpoint !== undefined) {
      await sayContinuation(terminal, checkpoint);
    }
  }
};

const checkpointOf = async (
  job: JobSummary,
  control: ClusterJobControl,
  { terminal, clock }: Pick<ClusterStopRequest, 'terminal' | 'clock'>,
): Promise<string | undefined> => {
  if (job.status !== 'RUNNING') {
    terminal.log(`WARN ${nameOf(job)} has no checkpoint of this moment: it is ${job.status}`);
    return undefined;
  }
  terminal.log(`Taking a checkpoint of ${nameOf(job)} ...`);
  const late = Promise.withResolvers<never>();
  const timer = clock.after(LAST_CHECKPOINT_MS, () =>
    late.reject(new Error(`no checkpoint within ${LAST_CHECKPOINT_MS / 1000} s`)),
  );
  try {
    return await Promise.race([control.checkpoint(job.jobId), late.promise]);
  } catch (thrown) {
    terminal.log(`WARN ${nameOf(job)} has no checkpoint of this moment: ${messageOf(thrown)}`);
    return undefined;
  } finally {
    timer.cancel();
  }
};

const nameOf = ({ jobId, jobName }: JobSummary): string => `job ${jobName} (${jobId})`;

/** Of the leader. */
export const portOf = ({ leader }: ClusterOverviewBody): number | undefined =>
  URL.canParse(leader['rest-address']) ? Number(new URL(leader['rest-address']).port) : undefined;
