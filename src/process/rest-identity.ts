import { MillraceError } from '../foundation/common/errors.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { clusterOptions } from '../foundation/config/options/cluster-options.ts';
import { loadTlsIdentity } from '../foundation/security/load-tls-identity.ts';
import type { TlsIdentity } from '../foundation/security/tls-identity.ts';

/** What REST servers and their clients prove themselves with; `undefined`: REST without TLS. Errors: BAD_OPTION. */
export const restIdentity = async (configuration: Configuration, nowMs: number): Promise<TlsIdentity | undefined> => {
  const { restTls, restClientCertificates } = clusterOptions;
  if (!configuration.get(restTls)) {
    if (configuration.get(restClientCertificates)) {
      throw new MillraceError(
        'BAD_OPTION',
        `${restClientCertificates.key} is true (${configuration.origin(restClientCertificates)}), but ${restTls.key} is not: there are no ` +
          'certificates without TLS',
      );
    }
    return undefined;
  }
  const identity = await loadTlsIdentity(configuration, nowMs);
  if (identity === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `${restTls.key} is true (${configuration.origin(restTls)}), but security.ssl.internal.enabled is not: the REST endpoint uses its ` +
        'keystore and truststore',
    );
  }
  return identity;
};
