import type { AddressInfo, Server } from 'node:net';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { isSecret } from '../../foundation/config/option-registry.ts';
import { rawText } from '../../foundation/config/option-type.ts';
import { checkpointingOptions } from '../../foundation/config/options/checkpointing-options.ts';
import { clusterOptions } from '../../foundation/config/options/cluster-options.ts';
import type { AnyOption } from '../../foundation/config/option.ts';
import { highAvailabilityOptions } from '../../foundation/config/options/high-availability-options.ts';
import { zooKeeperOptions } from '../../foundation/config/options/zookeeper-options.ts';
import { processOptions } from '../../foundation/config/options/process-options.ts';
import { taskManagerOptions } from '../../foundation/config/options/taskmanager-options.ts';
import { secretsOf } from '../../foundation/config/secrets-of.ts';
import type { ClusterStart } from '../../interfaces/cli/local-cluster.ts';
import { memoryLimitsOf } from '../job-settings.ts';
import type { ClusterFolder } from './cluster-folder.ts';
import { listenIfFree, listenOnAny } from './free-port.ts';
import type { ProcessPlan } from './spawn-process.ts';
import type { EnsemblePlan } from './zookeeper/plan-ensemble.ts';

/** REST ports of JobManagers where the configuration names none. */
const DEFAULT_PORTS: readonly number[] = Array.from({ length: 100 }, (_, index) => 8081 + index);

export interface ClusterPlan {
  /** How clients reach the cluster. */
  readonly settings: Readonly<Record<string, string>>;
  readonly zooKeeper: readonly PlannedProcess[];
  readonly jobManagers: readonly PlannedProcess[];
  readonly taskManagers: readonly PlannedProcess[];
  readonly supervisor: PlannedProcess;
  readonly isHighlyAvailable: boolean;
  /** Its HA store, for messages. */
  readonly storeText: string;
  /** Beside those of this process: values that no list of processes may show. */
  readonly env: Readonly<Record<string, string>>;
}

export type PlannedProcess = Pick<
  ProcessPlan,
  'name' | 'kind' | 'args' | 'log' | 'restPort' | 'clientPort' | 'executable'
>;

/** `ensemble`: of the cluster's own. Errors: BAD_OPTION, ADDRESS_IN_USE. */
export const planCluster = async (
  request: ClusterStart,
  folder: ClusterFolder,
  ensemble?: EnsemblePlan,
): Promise<ClusterPlan> => {
  const configuration = withMemory(withLocalState(withHighAvailability(request, folder, ensemble), folder), request);
  const ports = await freePorts(request);
  // Under current keys: of two names of an option, set in two places, only the one that counts.
  const given = Object.entries(configuration.toRecord());
  const common = [
    ...(request.configDir === undefined ? [] : ['--config', resolve(request.configDir)]),
    ...given.filter(([key]) => !isSecret(key)).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
  ];
  const logs = resolve(request.configuration.get(processOptions.logFolder) ?? folder.logs);
  // They have nobody who reads what they print; what Node itself says of a crash goes to `<name>.out`.
  const background = Object.entries({
    [processOptions.logFolder.key]: logs,
    [processOptions.logFileOnly.key]: 'true',
  }).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  const jobManagers = ports.map((restPort, index): PlannedProcess => {
    const name = `jobmanager-${index + 1}`;
    const own = ['-D', `rest.bind-port=${restPort}`, '-D', `jobmanager.resource-id=${name}`];
    const insecure = request.isInsecure ? ['--insecure'] : [];
    return {
      name,
      kind: 'jobmanager',
      restPort,
      log: join(logs, `${name}.log`),
      args: ['jobmanager', ...common, ...background, ...own, ...insecure],
    };
  });
  const taskManagers = Array.from({ length: request.taskManagers }, (_, index): PlannedProcess => {
    const name = `taskmanager-${index + 1}`;
    const own = ['-D', `taskmanager.resource-id=${name}`];
    return {
      name,
      kind: 'taskmanager',
      log: join(logs, `${name}.log`),
      args: ['taskmanager', ...common, ...background, ...own],
    };
  });
  return {
    settings: clientSettings(configuration, ports),
    zooKeeper: ensemble?.servers ?? [],
    jobManagers,
    taskManagers,
    supervisor: {
      name: 'supervisor',
      kind: 'supervisor',
      log: join(logs, 'supervisor.log'),
      args: ['cluster', 'supervise', ...common, ...background, '--run-dir', folder.path],
    },
    isHighlyAvailable: configuration.get(highAvailabilityOptions.type) !== 'none',
    storeText: STORE_OPTIONS.filter((option) => configuration.get(option) !== undefined)
      .map((option) => `${option.key}: ${configuration.get(option) ?? ''}`)
      .join(', '),
    env: secretsOf(configuration),
  };
};

/** Where nobody says how the JobManagers agree, they do so through a folder below that of the cluster. */
const withHighAvailability = (
  { configuration, jobManagers }: ClusterStart,
  folder: ClusterFolder,
  ensemble: EnsemblePlan | undefined,
): Configuration => {
  const { type, storageDirectory } = highAvailabilityOptions;
  const { quorum: zooKeeperQuorum } = zooKeeperOptions;
  if (ensemble !== undefined) {
    const storage = configuration.get(storageDirectory) ?? folder.storage;
    const own = { [type.key]: 'zookeeper', [zooKeeperQuorum.key]: ensemble.quorum, [storageDirectory.key]: storage };
    return configuration.with(own, 'millrace cluster start');
  }
  if (!configuration.isSet(type)) {
    const storage = configuration.get(storageDirectory) ?? folder.storage;
    return configuration.with({ [type.key]: 'embedded', [storageDirectory.key]: storage }, 'millrace cluster start');
  }
  if (configuration.get(type) === 'none' && jobManagers > 1) {
    throw new MillraceError(
      'BAD_OPTION',
      `--jobmanagers is ${jobManagers}, but ${type.key} is none (${configuration.origin(type)}): they could not agree who leads; ` +
        'leave it out, or start one',
    );
  }
  return configuration;
};

/** Local copies of state lie beside the storage unless somebody says where: there a copy can be a hard link. */
const withLocalState = (configuration: Configuration, folder: ClusterFolder): Configuration => {
  const { localBackupFolders } = checkpointingOptions;
  const isSaid = configuration.isSet(localBackupFolders) || configuration.isSet(processOptions.workingFolder);
  return isSaid
    ? configuration
    : configuration.with({ [localBackupFolders.key]: folder.path }, 'millrace cluster start');
};

const MIB = 1_048_576;

/** What tasks may take by default is a share of the machine, which the TaskManagers of this cluster have together. */
const withMemory = (configuration: Configuration, { taskManagers }: ClusterStart): Configuration => {
  const { processMemory, taskHeap, taskOffHeap, slots } = taskManagerOptions;
  if (taskManagers < 2 || [processMemory, taskHeap, taskOffHeap].some((option) => configuration.isSet(option))) {
    return configuration;
  }
  const { heapBytes, offHeapBytes } = memoryLimitsOf(configuration, taskManagers * configuration.get(slots));
  const text = (bytes: number): string => `${Math.floor(bytes / MIB)}mb`;
  return configuration.with(
    { [taskHeap.key]: text(heapBytes), [taskOffHeap.key]: text(offHeapBytes) },
    'millrace cluster start',
  );
};

const STORE_OPTIONS = [
  zooKeeperOptions.quorum,
  highAvailabilityOptions.storageDirectory,
  highAvailabilityOptions.clusterId,
];

/** What finds the leader, without secrets: those a client gets where it gets its own. */
const CLIENT_OPTIONS: readonly AnyOption[] = [
  highAvailabilityOptions.type,
  highAvailabilityOptions.storageDirectory,
  highAvailabilityOptions.clusterId,
  highAvailabilityOptions.embeddedDirectory,
  ...Object.values(zooKeeperOptions).filter(({ key, isUsed }) => isUsed && !isSecret(key)),
];

const clientSettings = (configuration: Configuration, [firstPort]: readonly number[]): Record<string, string> => {
  if (configuration.get(highAvailabilityOptions.type) === 'none') {
    const bound = configuration.get(clusterOptions.restBindAddress);
    const host =
      configuration.get(clusterOptions.restAddress) ?? (/^(?:0\.0\.0\.0|::)$/.test(bound) ? '127.0.0.1' : bound);
    return { 'rest.address': host, 'rest.port': String(firstPort) };
  }
  return Object.fromEntries(
    CLIENT_OPTIONS.flatMap((option) => {
      const entry = configuration.entry(option);
      return entry === undefined ? [] : [[option.key, absolute(option.key, rawText(entry.value))]];
    }),
  );
};

/** Clients run in other folders. */
const absolute = (key: string, value: string): string =>
  /(dir|store)$/i.test(key) && !/^[a-z][a-z0-9+.-]*:/i.test(value) ? resolve(value) : value;

/** A port for each JobManager that it keeps when it is started again. */
const freePorts = async ({ configuration, jobManagers }: ClusterStart): Promise<readonly number[]> => {
  const host = configuration.get(clusterOptions.restBindAddress);
  const isSet = configuration.isSet(clusterOptions.restBindPort);
  const allowed = isSet ? configuration.get(clusterOptions.restBindPort) : DEFAULT_PORTS;
  const candidates = allowed.includes(0) ? Array.from({ length: jobManagers }, () => 0) : allowed;
  const servers: Server[] = [];
  try {
    for (const port of candidates) {
      const server = servers.length < jobManagers ? await listen(port, host) : undefined;
      if (server !== undefined) {
        servers.push(server);
      }
    }
    if (servers.length < jobManagers) {
      throw new MillraceError(
        'ADDRESS_IN_USE',
        `${jobManagers} JobManagers need as many REST ports, and only ${servers.length} of ` +
          `${isSet ? clusterOptions.restBindPort.key : '8081-8180'} are free on ${host}; name more, such as -D rest.bind-port=9000-9099`,
      );
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
};

const listen = async (port: number, host: string): Promise<Server | undefined> => {
  try {
    return await (port === 0 ? listenOnAny(host) : listenIfFree(port, host));
  } catch (cause) {
    throw new MillraceError('UNREACHABLE', `rest.bind-address is ${host}, which is no address of this machine`, {
      cause,
    });
  }
};
