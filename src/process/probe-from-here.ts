import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { loadTlsIdentity } from '../foundation/security/load-tls-identity.ts';
import { PROTOCOL_VERSION } from '../runtime/protocol/protocol-version.ts';
import type { ProbeReply, ProbeTarget } from '../runtime/protocol/reachability.ts';
import { rpcLimits } from '../runtime/rpc/rpc-configuration.ts';
import { TcpTransport } from '../runtime/rpc/tcp/transport.ts';
import { packageVersion } from './package-version.ts';
import { portProber } from './probe-ports.ts';

/** Tries ports of a cluster from a command line. Errors: BAD_OPTION. */
export const probeFromHere = async (
  configuration: Configuration,
  targets: readonly ProbeTarget[],
): Promise<ProbeReply> => {
  const clusterId = configuration.get(highAvailabilityOptions.clusterId);
  const tls = await loadTlsIdentity(configuration, systemClock.now());
  const instanceId = systemRandom.hex(32);
  const self = () => ({
    protocolVersion: PROTOCOL_VERSION,
    packageVersion: packageVersion(),
    clusterId,
    role: 'client' as const,
    instanceId,
    resourceId: 'hosts-check',
  });
  const context = { clock: systemClock, logger: silentLogger, limits: rpcLimits(configuration), self };
  const transport = new TcpTransport(context, tls);
  return portProber({ clusterId, transport, tls, clock: systemClock })(targets);
};
