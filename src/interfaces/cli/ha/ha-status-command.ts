import type { Command } from 'commander';
import { messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { Configuration } from '../../../foundation/config/configuration.ts';
import { standbysSchema } from '../../../runtime/protocol/standbys.ts';
import { overviewSchema } from '../../rest/schema/cluster-schema.ts';
import { clusterOf, startedConfiguration, type TargetEnvironment } from '../cluster/cluster-target.ts';
import { withConfiguration, type ClusterFlags } from '../control-commands.ts';
import { describeFailure } from '../describe-failure.ts';
import type { Terminal } from '../terminal.ts';
import { HA_EXIT_CODES, healthOf, type HaLeader, type HaStatus, type HaStore } from './ha-status.ts';
import { haStatusLines } from './ha-status-lines.ts';

export interface HaStatusCommands extends TargetEnvironment {
  /** What the HA store says, and the servers that it consists of. Errors: BAD_OPTION for what the configuration says. */
  readonly readHaStore: (configuration: Configuration) => Promise<HaStore>;
}

export interface HaStatusCommandLine extends HaStatusCommands {
  readonly terminal: Terminal;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

interface StatusFlags extends ClusterFlags {
  readonly json?: boolean;
}

/** `millrace ha status`. */
export const addHaStatusCommand = (ha: Command, environment: HaStatusCommandLine): void => {
  const { terminal, exit } = environment;
  withConfiguration(ha.command('status'))
    .description(
      'whether the HA store and the leader answer, and how many servers of a ZooKeeper ensemble may fail; exits with 0 when all is ' +
        'well, 1 when one more failure stops it, 2 when nobody leads, 3 when it cannot be told',
    )
    .option('--json', 'as JSON')
    .exitOverride()
    .action(async (flags: StatusFlags) => {
      let status: HaStatus;
      try {
        status = await statusOf(flags, environment);
      } catch (thrown) {
        // Its code would say that all works.
        terminal.log(`millrace: ${describeFailure(thrown)}`);
        exit(HA_EXIT_CODES['not-known']);
        return;
      }
      const health = healthOf(status);
      const lines = flags.json === true ? [JSON.stringify({ health, ...status }, undefined, 2)] : haStatusLines(status);
      for (const line of lines) {
        await terminal.print(line);
      }
      exit(HA_EXIT_CODES[health]);
    });
};

const statusOf = async (flags: StatusFlags, environment: HaStatusCommandLine): Promise<HaStatus> => {
  const configuration = await startedConfiguration(environment.load(flags), environment);
  const store = await environment.readHaStore(configuration);
  const { leader } = store;
  return {
    ...store,
    ...(leader === undefined ? NOT_ASKED : await askedOf(leader, configuration, environment)),
  };
};

type Asked = Pick<HaStatus, 'leaderObstacle' | 'standbys'>;
const NOT_ASKED: Asked = { leaderObstacle: undefined, standbys: undefined };

/** A store names its last leader, also one that has just died. */
const askedOf = async (
  { restAddress, sessionId }: HaLeader,
  configuration: Configuration,
  environment: TargetEnvironment,
): Promise<Asked> => {
  // Whatever the configuration says of the target: it is the leader.
  const asksOnce = configuration.with({ 'rest.await-leader-timeout': 0 }, 'millrace ha status');
  const cluster = await clusterOf({ jobmanager: restAddress }, asksOnce, environment);
  try {
    const overview = await cluster?.client.ask('GET', '/overview', overviewSchema);
    if (overview?.leader['session-id'] !== sessionId) {
      const leaderObstacle =
        'another one answers at its address; it has just taken over, or the address is of another cluster by now';
      return { ...NOT_ASKED, leaderObstacle };
    }
    const answer = await cluster?.client.ask('GET', '/cluster/standbys', standbysSchema);
    return { leaderObstacle: undefined, standbys: answer?.standbys };
  } catch (thrown) {
    // One that wants a token for instance lives.
    return thrown instanceof MillraceError && thrown.retryable
      ? { ...NOT_ASKED, leaderObstacle: messageOf(thrown) }
      : NOT_ASKED;
  }
};
