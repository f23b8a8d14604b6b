import { parseConnectString, type ServerName } from '../coordination/zookeeper/client/connect-string.ts';
import { askEnsemble } from '../coordination/zookeeper/ensemble/ensemble-status.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import type { HaStore } from '../interfaces/cli/ha/ha-status.ts';
import { openHighAvailability } from './high-availability.ts';
import { connectStringOf } from './open-zookeeper.ts';

/**
 * What the HA store of the configuration says now, and the servers that it consists of. Errors: BAD_OPTION where the configuration names
 * none.
 */
export const readHaStore = async (
  configuration: Configuration,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<HaStore> => {
  const type = configuration.get(highAvailabilityOptions.type);
  if (type === 'none') {
    throw new MillraceError(
      'BAD_OPTION',
      'no cluster is started on this machine (millrace cluster start), and high-availability.type is none, so that there is no HA ' +
        'store to ask; name one with -D high-availability.type and what belongs to it',
    );
  }
  const clusterId = configuration.get(highAvailabilityOptions.clusterId);
  const ensemble = type === 'zookeeper' ? await askEnsemble({ servers: serversOf(configuration), clock }) : undefined;
  const named = { type, clusterId, ensemble };
  // Nobody would answer, and to find that out again takes a client long.
  if (ensemble !== undefined && !ensemble.servers.some(({ mode }) => mode !== 'unreachable')) {
    return { ...named, leader: undefined, obstacle: 'no server of the ensemble can be reached' };
  }
  if (ensemble?.state === 'no-leader') {
    return { ...named, leader: undefined, obstacle: 'the ensemble has no leader, so that it does not answer' };
  }
  return { ...named, ...(await leaderIn(configuration, { clock, random })) };
};

const leaderIn = async (
  configuration: Configuration,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<Pick<HaStore, 'leader' | 'obstacle'>> => {
  try {
    const options = { clock, random, logger: silentLogger, role: 'client' } as const;
    const { services } = await openHighAvailability(configuration, options);
    try {
      const leader = await services.retrieval.read();
      const { health } = services;
      if (health.state !== 'answers') {
        return { leader: undefined, obstacle: health.error.message };
      }
      return {
        obstacle: undefined,
        leader:
          leader === undefined
            ? undefined
            : {
                restAddress: leader.endpoints.restAddress,
                sessionId: leader.leadership.sessionId,
                epoch: leader.leadership.epoch,
                grantedAtMs: leader.leadership.grantedAtMs,
                falseAlarms: leader.falseAlarms,
              },
      };
    } finally {
      await services.close();
    }
  } catch (thrown) {
    return { leader: undefined, obstacle: messageOf(thrown) };
  }
};

const serversOf = (configuration: Configuration): readonly ServerName[] =>
  parseConnectString(connectStringOf(configuration)).servers;
