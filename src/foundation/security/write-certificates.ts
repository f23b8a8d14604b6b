import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, MillraceError, messageOf } from '../common/errors.ts';
import { securityOptions } from '../config/options/security-options.ts';
import { makeCertificateAuthority, makeHostCertificate } from './certificate.ts';

const DAY_MS = 86_400_000;

export interface WrittenCertificates {
  /** For every process: whom to trust. */
  readonly truststore: string;
  /** Makes further certificates; to be kept away from the cluster. */
  readonly authorityKey: string;
  /** By host. */
  readonly keystores: ReadonlyMap<string, string>;
  /** What a process on that host sets. */
  configuration(host: string): Readonly<Record<string, string>>;
}

/**
 * A new CA and a certificate for each host, in a folder: for tests, and for clusters that have no CA. Errors: FILE_EXISTS
 * rather than replace a CA that processes may trust, FILESYSTEM.
 */
export const writeCertificates = async (
  folder: string,
  hosts: readonly string[],
  { nowMs, days }: { readonly nowMs: number; readonly days: number },
): Promise<WrittenCertificates> => {
  // Clocks of hosts differ a little.
  const validity = { fromMs: nowMs - DAY_MS, untilMs: nowMs + days * DAY_MS };
  const authority = makeCertificateAuthority({ name: 'Millrace CA', ...validity });
  const truststore = join(folder, 'ca.pem');
  const authorityKey = join(folder, 'ca-key.pem');
  const keystores = new Map<string, string>();
  const files: [string, string, number][] = [
    [truststore, authority.cert, 0o644],
    [authorityKey, authority.key, 0o600],
  ];
  for (const host of hosts) {
    // Neither the CA's files nor a place outside of the folder.
    const path = join(folder, `host-${host.replaceAll(/[^\w.-]/g, '_')}.pem`);
    const { key, cert } = makeHostCertificate(authority, { name: host, hosts: [host], ...validity });
    keystores.set(host, path);
    files.push([path, key + cert, 0o600]);
  }
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [path, content, mode] of files) {
      await writeFile(path, content, { mode, flag: 'wx' });
    }
  } catch (thrown) {
    throw codeOf(thrown) === 'EEXIST'
      ? new MillraceError('FILE_EXISTS', `there are certificates in ${folder} already; name another folder`)
      : new MillraceError('FILESYSTEM', `the certificates cannot be written: ${messageOf(thrown)}`, { cause: thrown });
  }
  return {
    truststore,
    authorityKey,
    keystores,
    configuration: (host) => ({
      [securityOptions.internalEnabled.key]: 'true',
      [securityOptions.internalKeystore.key]: keystores.get(host) ?? '',
      [securityOptions.internalTruststore.key]: truststore,
    }),
  };
};
