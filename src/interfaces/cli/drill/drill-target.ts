import { MillraceError } from '../../../foundation/common/errors.ts';
import { Configuration } from '../../../foundation/config/configuration.ts';
import { clusterOptions } from '../../../foundation/config/options/cluster-options.ts';
import { overviewSchema, taskManagersSchema, type ClusterOverviewBody } from '../../rest/schema/cluster-schema.ts';
import { ClusterJobControl } from '../cluster/cluster-job-control.ts';
import { clusterOf, type TargetEnvironment, type TargetFlags } from '../cluster/cluster-target.ts';
import { RestClient } from '../cluster/rest-client.ts';
import type { JobSummary } from '../job-control.ts';
import type { ClusterProcess, LocalCluster } from '../local-cluster.ts';
import type { WatchedJobManager } from './cluster-watch.ts';
import { drillField, type DrillField } from './drill-plan.ts';

/** A cluster that can be drilled: it answers, and its processes are of this machine. */
export interface DrillTarget {
  readonly cluster: LocalCluster;
  readonly client: RestClient;
  readonly overview: ClusterOverviewBody;
  readonly field: DrillField;
  readonly isSupervised: boolean;
  readonly jobManagers: readonly WatchedJobManager[];
  /** Names of TaskManagers that belong to the cluster, but not to the folder. */
  readonly untouchable: readonly string[];
  /** Jobs of others that run. */
  readonly jobs: readonly JobSummary[];
}

/** A JobManager that is killed or paused does not answer: soon the next look is due. */
const LOOK_TIMEOUT_MS = 2_000;

/** Errors: BAD_OPTION, UNSUPPORTED, and what keeps the cluster from answering. */
export const findDrillTarget = async (
  flags: TargetFlags,
  configuration: Configuration,
  cluster: LocalCluster,
  environment: TargetEnvironment,
): Promise<DrillTarget> => {
  const settings = await cluster.settings();
  if (settings === undefined) {
    throw new MillraceError('BAD_OPTION', notStarted(cluster));
  }
  if (settings['rest.address'] !== undefined) {
    throw new MillraceError(
      'UNSUPPORTED',
      `the cluster of ${cluster.folder} was started with high-availability.type none: nobody can take over from its JobManager, ` +
        'and a drill would only end its jobs; start it without that setting',
    );
  }
  const processes = await cluster.processes();
  const local = { ...environment, startedCluster: () => Promise.resolve(settings) };
  const own = await clusterOf({}, withoutTarget(configuration), local);
  const client = own!.client;
  const overview = await client.ask('GET', '/overview', overviewSchema);
  await refuseAnother(flags, configuration, environment, { cluster, overview });
  const dead = processes.filter(({ isAlive }) => !isAlive);
  if (dead.length > 0) {
    throw new MillraceError(
      'BAD_OPTION',
      `${dead.map(({ name }) => name).join(', ')} of ${cluster.folder} ${dead.length === 1 ? 'is' : 'are'} dead already; a drill begins ` +
        'with a cluster that is well (millrace cluster status)',
    );
  }
  const { taskmanagers } = await client.ask('GET', '/taskmanagers', taskManagersSchema);
  return {
    cluster,
    client,
    overview,
    field: drillField(processes),
    isSupervised: processes.some(({ kind }) => kind === 'supervisor'),
    jobManagers: await watched(processes, overview, configuration, environment),
    untouchable: taskmanagers.map(({ id }) => id).filter((id) => !processes.some(({ name }) => name === id)),
    jobs: (await new ClusterJobControl(client).list()).filter(({ hasEnded }) => hasEnded !== true),
  };
};

const notStarted = (cluster: LocalCluster): string =>
  `no cluster is started in ${cluster.folder}; a drill kills processes that "millrace cluster start" started on this machine, and ` +
  'cannot touch others: run it where they run, with the --run-dir of their start';

/** What is named by option or configuration has to be the cluster of the folder: nothing of another one is at hand. */
const refuseAnother = async (
  flags: TargetFlags,
  configuration: Configuration,
  environment: TargetEnvironment,
  local: Pick<DrillTarget, 'cluster' | 'overview'>,
): Promise<void> => {
  const named = await clusterOf(flags, configuration, {
    ...environment,
    startedCluster: () => Promise.resolve(undefined),
  });
  if (named === undefined) {
    return;
  }
  const { leader } = await named.client.ask('GET', '/overview', overviewSchema);
  if (leader['session-id'] !== local.overview.leader['session-id']) {
    throw new MillraceError(
      'UNSUPPORTED',
      `${named.client.where} is led by ${leader['rest-address']}, which is no process of ${local.cluster.folder}: it was not started by ` +
        '"millrace cluster start" there, or runs on another machine, and a drill cannot touch it; name the folder of its start (--run-dir) ' +
        'on its machine',
    );
  }
};

/** The folder says where the cluster is, whatever this command line names. */
const withoutTarget = (configuration: Configuration): Configuration =>
  Configuration.empty.with(
    configuration
      .entries()
      .filter(({ key }) => !/^(?:high-availability\.|rest\.address$|rest\.port$|jobmanager\.)/.test(key)),
  );

/** Each JobManager by its own endpoint. Their addresses differ from the leader's in the port only. */
const watched = async (
  processes: readonly ClusterProcess[],
  { leader }: ClusterOverviewBody,
  configuration: Configuration,
  environment: TargetEnvironment,
): Promise<readonly WatchedJobManager[]> => {
  const tls = await environment.loadTls(configuration);
  return drillField(processes).jobManagers.flatMap(({ name, restPort }) => {
    if (restPort === undefined) {
      return [];
    }
    const url = new URL(leader['rest-address']);
    url.port = String(restPort);
    const client = new RestClient({
      where: name,
      findAddress: () => Promise.resolve(url.href),
      isHighlyAvailable: false,
      token: configuration.get(clusterOptions.restToken),
      tls,
      clock: environment.clock,
      awaitLeaderMs: 0,
      retryDelayMs: 0,
      timeoutMs: LOOK_TIMEOUT_MS,
    });
    return [{ name, restPort, client }];
  });
};
