import {
  makeCertificateAuthority,
  makeHostCertificate,
  type CertifiedKey,
} from '../../../foundation/security/certificate.ts';
import type { TlsIdentity } from '../../../foundation/security/tls-identity.ts';

const DAY_MS = 86_400_000;
const validity = { fromMs: Date.now() - DAY_MS, untilMs: Date.now() + DAY_MS };

export const testAuthority = (name = 'test CA'): CertifiedKey => makeCertificateAuthority({ name, ...validity });

/** A process that trusts the CA which signed its certificate. */
export const testIdentity = (authority: CertifiedKey, untilMs = validity.untilMs): TlsIdentity => {
  const { key, cert } = makeHostCertificate(authority, { name: 'process', hosts: ['a.example'], ...validity, untilMs });
  return { key, cert, ca: authority.cert };
};
