import type { Command } from 'commander';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { overviewSchema, type ClusterOverviewBody } from '../rest/schema/cluster-schema.ts';
import { alignedLines } from './aligned-lines.ts';
import { clusterSlots } from './cluster/cluster-slots.ts';
import type { RestClient } from './cluster/rest-client.ts';
import { clientOf, withFolder, type ClusterCommandLine, type FolderFlags, type Open } from './cluster-command-line.ts';
import { portOf } from './cluster-stop.ts';
import { withConfiguration, type ClusterFlags } from './control-commands.ts';
import { leaderlessLines } from './leaderless-lines.ts';
import type { ClusterProcess } from './local-cluster.ts';

/** `millrace cluster status`. */
export const addClusterStatus = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('status')))
    .description('list the processes of the cluster; exits with 1 when one is dead or nobody leads')
    .exitOverride()
    .action(async (flags: ClusterFlags & FolderFlags) => {
      const { terminal, exit } = environment;
      const local = await open(flags.runDir);
      const [settings, processes] = [await local.settings(), await local.processes()];
      if (settings === undefined) {
        await terminal.print(`No cluster is started in ${local.folder}.`);
        exit(1);
        return;
      }
      const target = { ...environment, startedCluster: () => Promise.resolve(settings) };
      const client = await clientOf(target, environment.load(flags));
      const { overview, refusal, obstacle } = await answerOf(client);
      const modes = processes.some(({ kind }) => kind === 'zookeeper') ? await local.zooKeeperModes() : undefined;
      const rows = processes.map((process) => [
        process.name,
        String(process.pid),
        stateOf(process, overview, modes?.get(process.name)),
        String(process.restarts),
        process.log,
      ]);
      for (const line of alignedLines([['Process', 'Pid', 'State', 'Restarts', 'Log'], ...rows])) {
        await terminal.print(line);
      }
      if (refusal !== undefined) {
        throw refusal;
      }
      const slots =
        overview === undefined || client === undefined
          ? leaderlessLines(processes, await local.troubles(), obstacle)
          : await clusterSlots(overview, client);
      for (const line of slots) {
        await terminal.print(line);
      }
      const hasDied = processes.some(({ isAlive }) => !isAlive);
      if (hasDied) {
        await terminal.print('"millrace cluster revive" starts again what has died');
      }
      if (overview === undefined || hasDied) {
        exit(1);
      }
    });
};

const stateOf = (
  { kind, isAlive, restPort }: ClusterProcess,
  overview: ClusterOverviewBody | undefined,
  zooKeeperMode: string | undefined,
): string => {
  if (!isAlive) {
    return 'dead';
  }
  if (zooKeeperMode !== undefined) {
    return `alive, ${zooKeeperMode}`;
  }
  const leads = overview !== undefined && restPort !== undefined && portOf(overview) === restPort;
  return kind !== 'jobmanager' || overview === undefined ? 'alive' : leads ? 'alive, leads' : 'alive, standby';
};

interface ClusterAnswer {
  readonly overview?: ClusterOverviewBody;
  /** Somebody answers, and not this question; for want of a token for instance. */
  readonly refusal?: unknown;
  /** Somebody leads by the HA store, and cannot be reached; for want of certificates for instance. */
  readonly obstacle?: string;
}

const answerOf = async (client: RestClient | undefined): Promise<ClusterAnswer> => {
  try {
    return client === undefined ? {} : { overview: await client.ask('GET', '/overview', overviewSchema) };
  } catch (thrown) {
    if (!(thrown instanceof MillraceError && thrown.retryable)) {
      return { refusal: thrown };
    }
    return thrown.code === 'UNREACHABLE' ? { obstacle: messageOf(thrown) } : {};
  }
};
