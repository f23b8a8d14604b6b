import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Configuration } from '../../../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../../../foundation/config/options/high-availability-options.ts';
import { zooKeeperOptions } from '../../../foundation/config/options/zookeeper-options.ts';
import { processOptions } from '../../../foundation/config/options/process-options.ts';
import type { ClusterStart } from '../../../interfaces/cli/local-cluster.ts';
import type { ClusterFolder } from '../cluster-folder.ts';
import type { PlannedProcess } from '../cluster-plan.ts';
import { choosePorts, readPorts, removePorts, writePorts } from './ensemble-ports.ts';
import { findZooKeeper, type ZooKeeperProgram } from './find-zookeeper.ts';
import { LOG4J_PROPERTIES, LOG_PROPERTY, LOGBACK_XML, zooCfg, type ServerPorts } from './server-files.ts';

/** A ZooKeeper ensemble of the cluster itself. */
export interface EnsemblePlan {
  readonly servers: readonly PlannedProcess[];
  /** `high-availability.zookeeper.quorum`. */
  readonly quorum: string;
  /** Writes what the servers read at their start. Errors: FILESYSTEM. */
  writeFiles(): Promise<void>;
  /** The cluster did not start: one that it did not have before is not started unless somebody asks again. */
  undo(): Promise<void>;
}

export interface EnsembleSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * The ensemble that `--zookeeper` asks for; without it, that which the folder has from an earlier start, unless the configuration names
 * another store. `undefined`: none. Errors: BAD_OPTION, UNSUPPORTED when ZooKeeper or Java is missing, CORRUPT_DATA.
 */
export const planEnsemble = async (
  { zooKeeperServers: wanted, configuration }: Pick<ClusterStart, 'zooKeeperServers' | 'configuration'>,
  cluster: ClusterFolder,
  { env, logger }: EnsembleSurroundings,
): Promise<EnsemblePlan | undefined> => {
  const other = otherStore(configuration);
  if (wanted !== undefined && other !== undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `--zookeeper starts an ensemble and makes it the HA store of this cluster, and ${other}; leave one of them out`,
    );
  }
  const folder = join(cluster.path, 'zookeeper');
  const had = other === undefined ? await readPorts(folder) : undefined;
  const count = wanted ?? had?.length;
  if (count === undefined) {
    return undefined;
  }
  if (had !== undefined && had.length !== count) {
    throw new MillraceError(
      'BAD_OPTION',
      `--zookeeper is ${count}, and the ensemble in ${folder} has ${had.length} servers, with what the JobManagers keep in it: start it ` +
        `with --zookeeper ${had.length}, or another cluster with --run-dir`,
    );
  }
  const program = findZooKeeper(env);
  const ports = await choosePorts(count, had ?? [], logger);
  if (wanted === undefined) {
    logger.info(`The ZooKeeper ensemble of this cluster (${folder}) is started too`);
  }
  const logs = resolve(configuration.get(processOptions.logFolder) ?? cluster.logs);
  const servers = ports.map((_, index) => ({ number: index + 1, folder: join(folder, `server-${index + 1}`) }));
  return {
    quorum: ports.map(({ client }) => `127.0.0.1:${client}`).join(),
    servers: servers.map((server) => plannedServer(server, { program, ports, logs })),
    writeFiles: async () => {
      for (const server of servers) {
        await writeServer(server, ports);
      }
      await writePorts(folder, ports);
    },
    undo: async () => {
      if (had === undefined) {
        await removePorts(folder);
      }
    },
  };
};

/** What the configuration says of the store; every command would look there, and not in the cluster's folder. */
const otherStore = (configuration: Configuration): string | undefined => {
  const { type } = highAvailabilityOptions;
  const { quorum: zooKeeperQuorum } = zooKeeperOptions;
  const named = [type, zooKeeperQuorum].find((option) => configuration.isSet(option));
  return named === undefined
    ? undefined
    : `${named.key} is ${configuration.get(named)} (${configuration.origin(named)})`;
};

interface ServerFolder {
  readonly number: number;
  readonly folder: string;
}

interface Ensemble {
  readonly program: ZooKeeperProgram;
  readonly ports: readonly ServerPorts[];
  readonly logs: string;
}

/** A store of a local cluster is small: 256 MB of heap are plenty, and an end is better than a server that only collects garbage. */
const JVM: readonly string[] = [
  '-Xms24m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  '-Dzookeeper.jmx.log4j.disable=true',
  // KiB that a transaction log grows by; the default is 64 MiB for each server.
  '-Dzookeeper.preAllocSize=4096',
];

const plannedServer = ({ number, folder }: ServerFolder, { program, ports, logs }: Ensemble): PlannedProcess => {
  const name = `zookeeper-${number}`;
  const log = join(logs, `${name}.log`);
  return {
    name,
    kind: 'zookeeper',
    clientPort: ports[number - 1]?.client ?? 0,
    log,
    executable: '/usr/bin/env',
    args: [
      // Without a locale that is UTF-8 Java finds no file whose path has other than ASCII letters.
      'LC_ALL=C.UTF-8',
      program.java,
      ...JVM,
      `-XX:ErrorFile=${join(logs, `${name}-crash-%p.log`)}`,
      `-D${LOG_PROPERTY}=${log}`,
      `-Dlog4j.configuration=${pathToFileURL(join(folder, 'log4j.properties')).href}`,
      `-Dlogback.configurationFile=${join(folder, 'logback.xml')}`,
      '-cp',
      program.classPath.join(delimiter),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      join(folder, 'zoo.cfg'),
    ],
  };
};

const writeServer = async ({ number, folder }: ServerFolder, ports: readonly ServerPorts[]): Promise<void> => {
  const dataFolder = join(folder, 'data');
  const files = {
    'zoo.cfg': zooCfg({ number, dataFolder, ports }),
    'log4j.properties': LOG4J_PROPERTIES,
    'logback.xml': LOGBACK_XML,
    'data/myid': `${number}\n`,
  };
  try {
    await mkdir(dataFolder, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text, { mode: 0o600 });
    }
  } catch (cause) {
    throw new MillraceError('FILESYSTEM', `the folder of a ZooKeeper server cannot be written: ${messageOf(cause)}`, {
      cause,
    });
  }
};
