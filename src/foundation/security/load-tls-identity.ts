import type { Configuration } from '../config/configuration.ts';
import { securityOptions } from '../config/options/security-options.ts';
import { readKeyStore, readTrustStore } from './pem-stores.ts';
import type { TlsIdentity } from './tls-identity.ts';

const options = securityOptions;
const HELP = '`millrace certs` makes the files for a test';

/**
 * What `security.ssl.internal.*` says; `undefined` when TLS between processes is off. Errors: BAD_OPTION for files that
 * are missing, of another format, or do not belong together, and for certificates out of their time.
 */
export const loadTlsIdentity = async (
  configuration: Configuration,
  nowMs: number,
): Promise<TlsIdentity | undefined> => {
  if (!configuration.get(options.internalEnabled)) {
    return undefined;
  }
  const isNeeded = { because: options.internalEnabled.key, help: HELP };
  const identity = await readKeyStore(
    configuration,
    {
      file: options.internalKeystore,
      type: options.internalKeystoreType,
      password: options.internalKeyPassword,
      isNeeded,
    },
    nowMs,
  );
  const ca = await readTrustStore(configuration, {
    file: options.internalTruststore,
    type: options.internalTruststoreType,
    isNeeded,
  });
  const fingerprint = configuration.get(options.internalFingerprint);
  return { ...identity, ca, ...(fingerprint === undefined ? {} : { fingerprint }) };
};
