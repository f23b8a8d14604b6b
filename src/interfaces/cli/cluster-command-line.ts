import type { Command } from 'commander';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { overviewSchema, type ClusterOverviewBody } from '../rest/schema/cluster-schema.ts';
import { clusterOf, type TargetEnvironment } from './cluster/cluster-target.ts';
import type { RestClient } from './cluster/rest-client.ts';
import type { ClusterFlags } from './control-commands.ts';
import type { LocalCluster } from './local-cluster.ts';
import type { RunEnvironment } from './run-command.ts';
import type { Terminal } from './terminal.ts';

/** A JobManager or TaskManager in this process. */
export interface RunningProcess {
  /** It ended by itself; rejects with why. */
  readonly ended: Promise<void>;
  /** In order. */
  stop(): Promise<void>;
}

/** `undefined`: `stopped` came while it waited for what it needs, and nothing of it is left. */
export type StartProcess = (
  configuration: Configuration,
  options: { readonly isInsecure: boolean; readonly stopped: AbortSignal },
) => Promise<RunningProcess | undefined>;

/** Given by the process; commands that it cannot serve are not there. */
export interface ClusterCommands {
  /** `folder`: `--run-dir`; the user's default when missing. */
  readonly openLocalCluster?: (folder: string | undefined) => Promise<LocalCluster>;
  readonly startJobManager?: StartProcess;
  readonly startTaskManager?: StartProcess;
}

export interface ClusterCommandLine
  extends ClusterCommands, TargetEnvironment, Pick<RunEnvironment, 'onInterrupt' | 'exitNow'> {
  readonly terminal: Terminal;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

export type Open = NonNullable<ClusterCommands['openLocalCluster']>;

export interface FolderFlags {
  readonly runDir?: string;
}

export const withFolder = (command: Command): Command =>
  command.option('--run-dir <dir>', 'folder of the cluster; else MILLRACE_RUN_DIR, else ~/.millrace/cluster');

/** Unless it is to wait for a leader it asks once: whoever calls it asks again. */
export const clientOf = async (
  environment: TargetEnvironment,
  configuration: Configuration,
  awaitLeaderMs = 0,
): Promise<RestClient | undefined> => {
  const patient = configuration.with({ 'rest.await-leader-timeout': awaitLeaderMs }, 'millrace cluster');
  return (await clusterOf({}, patient, environment))?.client;
};

export const overviewOf = (client: RestClient | undefined): Promise<ClusterOverviewBody | undefined> =>
  unlessAway(client?.ask('GET', '/overview', overviewSchema));

/** `undefined`: nobody leads now. */
export const unlessAway = async <T>(answer: Promise<T> | undefined): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.retryable) {
      return undefined;
    }
    throw thrown;
  }
};
