import { codeOf } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import type { LeaderEndpoints, LeaderInformation } from '../coordination/leadership.ts';
import { openHighAvailability } from './high-availability.ts';

const readLeader = async (configuration: Configuration): Promise<LeaderInformation | undefined> => {
  const { services } = await openHighAvailability(configuration, {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    role: 'client',
  });
  try {
    return await services.retrieval.read();
  } finally {
    await services.close();
  }
};

/** Who leads, as the HA store says now; `undefined`: nobody, or the store does not answer. */
export const findLeaderInformation = async (configuration: Configuration): Promise<LeaderInformation | undefined> => {
  try {
    return await readLeader(configuration);
  } catch (error) {
    if (codeOf(error) === 'STORE_AWAY') {
      return undefined;
    }
    throw error;
  }
};

/** Where the leader is reached. */
export const findLeaderEndpoints = async (configuration: Configuration): Promise<LeaderEndpoints | undefined> =>
  (await findLeaderInformation(configuration))?.endpoints;

/** Its REST endpoint. Errors: STORE_AWAY (retryable) and the others of the HA store. */
export const findLeader = async (configuration: Configuration): Promise<string | undefined> =>
  (await readLeader(configuration))?.endpoints.restAddress;
