import type { TlsIdentity } from '../foundation/security/tls-identity.ts';
import type { DataPlaneTls } from '../runtime/network/tcp/data-plane-settings.ts';

const bytesOf = (pem: string): Uint8Array => new TextEncoder().encode(pem);

/** The identity of the process for its task threads: plain data that crosses to a worker. */
export const dataPlaneTls = (tls: TlsIdentity | undefined): DataPlaneTls | undefined =>
  tls === undefined
    ? undefined
    : {
        ca: bytesOf(tls.ca),
        cert: bytesOf(tls.cert),
        key: bytesOf(tls.key),
        ...(tls.fingerprint === undefined ? {} : { fingerprint: tls.fingerprint }),
      };
