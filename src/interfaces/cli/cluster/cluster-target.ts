import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { Configuration } from '../../../foundation/config/configuration.ts';
import { clusterOptions } from '../../../foundation/config/options/cluster-options.ts';
import { executionOptions } from '../../../foundation/config/options/execution-options.ts';
import { highAvailabilityOptions } from '../../../foundation/config/options/high-availability-options.ts';
import type { TlsIdentity } from '../../../foundation/security/tls-identity.ts';
import { RestClient } from './rest-client.ts';

/** `-m` and `-t`. */
export interface TargetFlags {
  readonly jobmanager?: string;
  readonly target?: string;
}

export interface TargetEnvironment {
  readonly clock: Clock;
  readonly streams: { readonly stderr: { write(text: string): unknown } };
  /** Reads the leader's REST address from the HA store that the configuration names; `undefined`: nobody leads now. */
  readonly findLeader: (configuration: Configuration) => Promise<string | undefined>;
  /** How clients reach the cluster that `millrace cluster start` started for this user; `undefined`: there is none. */
  readonly startedCluster: () => Promise<Readonly<Record<string, string>> | undefined>;
  readonly loadTls: (configuration: Configuration) => Promise<TlsIdentity | undefined>;
}

export interface Cluster {
  readonly client: RestClient;
  /** It was named: by an option, or by the configuration. */
  readonly isNamed: boolean;
}

/** What was asked for: this process, a cluster, or what there is. */
export type WantedTarget = 'local' | 'cluster' | 'either';

/** Errors: BAD_OPTION. */
export const wantedTarget = (flags: TargetFlags, configuration: Configuration): WantedTarget => {
  const target = flags.target ?? configuration.get(executionOptions.target);
  if (target !== undefined && target !== 'local' && target !== 'remote') {
    throw new MillraceError(
      'BAD_OPTION',
      `the target is '${target}'; allowed: remote (a cluster) and local (a cluster inside this process)`,
    );
  }
  if (flags.jobmanager !== undefined) {
    if (target === 'local') {
      throw new MillraceError(
        'BAD_OPTION',
        '--jobmanager names a cluster, and the target is local; leave one of them out',
      );
    }
    return 'cluster';
  }
  if (target !== undefined) {
    return target === 'remote' ? 'cluster' : 'local';
  }
  return configuration.get(highAvailabilityOptions.type) === 'none' ? 'either' : 'cluster';
};

/**
 * The cluster that is meant: `-m`, else the HA store of the configuration, else `rest.address` where it is set, else the cluster that was
 * started on this machine. `undefined`: there is none of them.
 */
export const clusterOf = async (
  flags: TargetFlags,
  configuration: Configuration,
  environment: TargetEnvironment,
): Promise<Cluster | undefined> => {
  const { findLeader } = environment;
  const client = async (
    from: Configuration,
    where: string,
    findAddress: () => Promise<string | undefined>,
    reasonHint?: string,
  ) =>
    new RestClient({
      where,
      ...(reasonHint === undefined ? {} : { reasonHint }),
      findAddress,
      isHighlyAvailable: from.get(highAvailabilityOptions.type) !== 'none' && flags.jobmanager === undefined,
      token: from.get(clusterOptions.restToken),
      tls: await environment.loadTls(from),
      clock: environment.clock,
      awaitLeaderMs: from.get(clusterOptions.restAwaitLeaderTimeout),
      retryDelayMs: from.get(clusterOptions.restRetryDelay),
      timeoutMs: from.get(clusterOptions.restConnectionTimeout),
      say: (line) => void environment.streams.stderr.write(`${line}\n`),
    });
  const isTls = configuration.get(clusterOptions.restTls);
  if (flags.jobmanager !== undefined) {
    const address = addressOf(flags.jobmanager, isTls);
    return { client: await client(configuration, address, () => Promise.resolve(address)), isNamed: true };
  }
  const type = configuration.get(highAvailabilityOptions.type);
  if (type !== 'none') {
    const where = `cluster ${configuration.get(highAvailabilityOptions.clusterId)}`;
    return { client: await client(configuration, where, () => findLeader(configuration)), isNamed: true };
  }
  if (configuration.isSet(clusterOptions.restAddress)) {
    const host = configuration.get(clusterOptions.restAddress) ?? '';
    const address = addressOf(`${host}:${configuration.get(clusterOptions.restPort)}`, isTls);
    return { client: await client(configuration, address, () => Promise.resolve(address)), isNamed: true };
  }
  const started = await environment.startedCluster();
  if (started === undefined) {
    return undefined;
  }
  // What this command line says of the client counts over what the cluster was started with.
  const all = Configuration.of(started, 'millrace cluster start').with(configuration.entries());
  const fixed = started['rest.address'];
  const address = fixed === undefined ? undefined : addressOf(`${fixed}:${started['rest.port'] ?? ''}`, isTls);
  const find = address === undefined ? () => findLeader(all) : () => Promise.resolve(address);
  const where = 'the cluster of this machine';
  return { client: await client(all, where, find, '"millrace cluster status" says why'), isNamed: false };
};

/** Errors: BAD_OPTION. */
const addressOf = (hostAndPort: string, isTls: boolean): string => {
  const match = /^(?:(?<scheme>https?):\/\/)?(?<host>\[[0-9a-f:.]+\]|[^\s:/[\]@]+):(?<port>\d{1,5})\/?$/i.exec(
    hostAndPort,
  );
  const { scheme, host, port } = match?.groups ?? {};
  if (host === undefined || port === undefined || Number(port) > 65_535 || Number(port) === 0) {
    throw new MillraceError(
      'BAD_OPTION',
      `--jobmanager is '${hostAndPort}'; allowed: host:port, the port of its REST endpoint`,
    );
  }
  return `${scheme ?? (isTls ? 'https' : 'http')}://${host}:${port}`;
};

/** With what `cluster start` says of the cluster of this machine, where nothing else names one. */
export const startedConfiguration = async (
  configuration: Configuration,
  { startedCluster }: Pick<TargetEnvironment, 'startedCluster'>,
): Promise<Configuration> => {
  const isNamed =
    configuration.get(highAvailabilityOptions.type) !== 'none' || configuration.isSet(clusterOptions.restAddress);
  const started = isNamed ? undefined : await startedCluster();
  return started === undefined
    ? configuration
    : Configuration.of(started, 'millrace cluster start').with(configuration.entries());
};
