import { codeOf } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import type { LeaderEndpoints } from '../coordination/leadership.ts';
import { openHighAvailability } from './high-availability.ts';

/** Where the leader is reached, as the HA store says now; `undefined`: nobody leads, or the store does not answer. */
export const findLeaderEndpoints = async (configuration: Configuration): Promise<LeaderEndpoints | undefined> => {
  try {
    const { services } = await openHighAvailability(configuration, {
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      role: 'other',
    });
    try {
      return (await services.retrieval.read())?.endpoints;
    } finally {
      await services.close();
    }
  } catch (error) {
    if (codeOf(error) === 'STORE_AWAY') {
      return undefined;
    }
    throw error;
  }
};

/** Its REST endpoint. */
export const findLeader = async (configuration: Configuration): Promise<string | undefined> =>
  (await findLeaderEndpoints(configuration))?.restAddress;
