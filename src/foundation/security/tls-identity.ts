import type { TLSSocket } from 'node:tls';

/** What a process proves itself with, and whom it trusts: PEM. */
export interface TlsIdentity {
  /** Without a password. */
  readonly key: string;
  /** Its certificate, then those between it and the CA. */
  readonly cert: string;
  readonly ca: string;
  /** If set, only certificates with this SHA-1 or SHA-256 are taken, in hex digits. */
  readonly fingerprint?: string;
}

/** Why a peer whose certificate is signed by the CA is refused nevertheless; `undefined` when it is not. */
export const strangerReason = (
  { fingerprint }: Pick<TlsIdentity, 'fingerprint'>,
  socket: TLSSocket,
): string | undefined => {
  if (fingerprint === undefined) {
    return undefined;
  }
  const certificate = socket.getPeerCertificate();
  const wanted = plain(fingerprint);
  const seen = [certificate.fingerprint, certificate.fingerprint256].map((text) => plain(text ?? ''));
  return seen.includes(wanted)
    ? undefined
    : `has a certificate with fingerprint ${certificate.fingerprint256 ?? 'unknown'}, not that of security.ssl.internal.cert.fingerprint`;
};

const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').trim().toLowerCase();
