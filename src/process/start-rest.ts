import type { Logger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { clusterOptions } from '../foundation/config/options/cluster-options.ts';
import { restAccess } from '../interfaces/rest/rest-access.ts';
import { restServerSettings } from '../interfaces/rest/rest-configuration.ts';
import { RestServer } from '../interfaces/rest/rest-server.ts';
import type { ClusterGateway } from '../runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { packageVersion } from './package-version.ts';
import { JobManagerRestGateway } from './rest-gateway.ts';
import { restIdentity } from './rest-identity.ts';

export interface StartRestOptions {
  readonly logger: Logger;
  /** `--insecure`. */
  readonly isInsecure: boolean;
}

/**
 * Serves the clients of a JobManager, whether it leads or is a standby. Errors: BAD_OPTION where anybody in the network could run code,
 * ADDRESS_IN_USE.
 */
export const startRest =
  (configuration: Configuration, { logger, isInsecure }: StartRestOptions) =>
  async (cluster: ClusterGateway): Promise<RestServer> => {
    const identity = await restIdentity(configuration, systemClock.now());
    const clientCertificates = configuration.get(clusterOptions.restClientCertificates);
    const gateway = new JobManagerRestGateway(cluster, configuration);
    const server = await RestServer.start({
      ...restServerSettings(configuration),
      access: restAccess(configuration, { isInsecure, hasClientCertificates: clientCertificates }),
      gateway: () => (cluster.isLeading ? gateway : undefined),
      leaderAddress: () => {
        const leader = cluster.leader;
        return leader?.isPublished === true && leader.endpoints.restAddress !== ''
          ? leader.endpoints.restAddress
          : undefined;
      },
      tls: identity === undefined ? undefined : { identity, clientCertificates },
      version: packageVersion(),
      clock: systemClock,
      random: systemRandom,
      logger,
    });
    logger.info(`REST endpoint at ${server.address}`);
    return server;
  };
