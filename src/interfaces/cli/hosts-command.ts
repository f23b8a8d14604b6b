import type { Command } from 'commander';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../../foundation/config/options/high-availability-options.ts';
import {
  reachabilitySchema,
  type ProbeReply,
  type ProbeTarget,
  type Reachability,
} from '../../runtime/protocol/reachability.ts';
import { alignedLines } from './aligned-lines.ts';
import { clusterOf, startedConfiguration, type Cluster, type TargetEnvironment } from './cluster/cluster-target.ts';
import { checksOf, reachabilityTable, TABLE_HEADER, type PortCheck } from './cluster/reachability-table.ts';
import { withTarget, type ClusterFlags } from './control-commands.ts';
import type { Terminal } from './terminal.ts';

export interface HostsEnvironment extends TargetEnvironment {
  /** As the HA store names it. */
  readonly findLeaderEndpoints: (
    configuration: Configuration,
  ) => Promise<{ readonly instanceId: string; readonly rpcAddress: string; readonly restAddress: string } | undefined>;
  readonly probePorts: (configuration: Configuration, targets: readonly ProbeTarget[]) => Promise<ProbeReply>;
}

export interface HostsCommandLine extends HostsEnvironment {
  readonly terminal: Terminal;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

/** The leader asks every process, and each tries all that it needs. */
const ANSWER_WITHIN = '60 s';
const HERE = 'this host';

interface CheckFlags extends ClusterFlags {
  readonly client?: boolean;
}

export const addHostsCommand = (program: Command, environment: HostsCommandLine): void => {
  const hosts = program.command('hosts').description('the hosts of a cluster').exitOverride();
  withTarget(hosts.command('check'))
    .description('say which port of which process cannot be reached from where; exits with 1 when there is one')
    .option('--client', 'from this host only what clients need: REST endpoints')
    .exitOverride()
    .action(async (flags: CheckFlags) => {
      const { terminal, exit } = environment;
      const configuration = await startedConfiguration(environment.load(flags), environment);
      const found = await ask(flags, configuration, environment);
      const targets = found.processes
        .flatMap(({ ports }) => ports)
        .filter(({ port }) => flags.client !== true || port === 'rest');
      const { network, outcomes } = await environment.probePorts(configuration, targets);
      const tried = targets.map((target, index) => ({ target, outcome: outcomes[index] ?? {} }));
      const here: PortCheck = { from: HERE, network, tried };
      const { rows, problems } = reachabilityTable(found.processes, [here, ...checksOf(found)]);
      for (const line of alignedLines([TABLE_HEADER, ...rows])) {
        await terminal.print(line);
      }
      if (found.failure !== undefined) {
        terminal.log(`millrace: the cluster cannot be asked what its processes reach: ${messageOf(found.failure)}`);
      }
      if (problems > 0 || found.failure !== undefined) {
        exit(1);
      }
    });
};

interface Found extends Reachability {
  /** Why the cluster could not be asked. */
  readonly failure?: unknown;
}

/** Errors: BAD_OPTION when no cluster is named. Where no JobManager answers, what the HA store says of the leader. */
const ask = async (flags: CheckFlags, configuration: Configuration, environment: HostsEnvironment): Promise<Found> => {
  const patient = { 'rest.await-leader-timeout': 0, 'rest.connection-timeout': ANSWER_WITHIN };
  const cluster: Cluster | undefined = await clusterOf(
    flags,
    Configuration.of(patient, 'millrace hosts check').with(configuration.entries()),
    environment,
  );
  if (cluster === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      'no cluster is named: set high-availability.* as its processes have it, or say --jobmanager host:port',
    );
  }
  try {
    return await cluster.client.ask('GET', '/cluster/reachability', reachabilitySchema);
  } catch (failure) {
    const isNamedByStore = flags.jobmanager === undefined && configuration.get(highAvailabilityOptions.type) !== 'none';
    const leader = isNamedByStore ? await environment.findLeaderEndpoints(configuration) : undefined;
    if (leader === undefined) {
      throw failure;
    }
    const { instanceId, rpcAddress, restAddress } = leader;
    const ports: ProbeTarget[] = [
      { port: 'rpc', address: rpcAddress, instanceId },
      { port: 'rest', address: restAddress, instanceId },
    ];
    return { processes: [{ name: rpcAddress, role: 'jobmanager', instanceId, ports }], checks: [], failure };
  }
};
