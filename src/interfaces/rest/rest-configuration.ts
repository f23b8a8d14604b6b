import type { Configuration } from '../../foundation/config/configuration.ts';
import { clusterOptions } from '../../foundation/config/options/cluster-options.ts';
import type { RestLimits, RestServerOptions } from './rest-server.ts';

const REQUEST_MS = 120_000;
const FORWARD_MS = 60_000;

/** What the configuration says of a REST endpoint. */
export const restServerSettings = (
  configuration: Configuration,
): Pick<RestServerOptions, 'host' | 'ports' | 'advertisedHost' | 'limits'> => {
  const host = configuration.get(clusterOptions.restBindAddress);
  const advertised = configuration.get(clusterOptions.restAddress);
  return {
    host,
    ports: configuration.get(clusterOptions.restBindPort),
    ...(advertised === undefined ? {} : { advertisedHost: advertised }),
    limits: restLimits(configuration),
  };
};

const restLimits = (configuration: Configuration): RestLimits => ({
  bodyBytesMax: configuration.get(clusterOptions.restMaxContentLength),
  keepOperationsMs: configuration.get(clusterOptions.restAsyncStoreDuration),
  idleMs: configuration.get(clusterOptions.restIdlenessTimeout),
  requestMs: REQUEST_MS,
  forwardMs: FORWARD_MS,
});
