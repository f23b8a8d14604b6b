import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Configuration } from '../config/configuration.ts';
import { makeCertificateAuthority, makeHostCertificate } from './certificate.ts';
import { loadTlsIdentity } from './load-tls-identity.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const validity = { fromMs: NOW_MS - 1000, untilMs: NOW_MS + 1000 };
const authority = makeCertificateAuthority({ name: 'ca', ...validity });
const host = makeHostCertificate(authority, { name: 'host', hosts: ['localhost'], ...validity });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
});

const file = async (name: string, content: string | Buffer): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

const load = async (settings: Record<string, string | boolean>, nowMs = NOW_MS) => {
  const values = Object.entries({ enabled: true, ...settings }).map(
    ([name, value]) => [`security.ssl.internal.${name}`, value] as const,
  );
  return loadTlsIdentity(Configuration.of(Object.fromEntries(values)), nowMs);
};

const stores = async (keystore: string | Buffer, truststore: string | Buffer = authority.cert) => ({
  keystore: await file('store.pem', keystore),
  truststore: await file('trust.pem', truststore),
});

describe('TLS between processes', () => {
  test('is off unless enabled', async () => {
    expect(await loadTlsIdentity(Configuration.empty, NOW_MS)).toBeUndefined();
  });

  test('is read from PEM files, in any order', async () => {
    for (const keystore of [host.key + host.cert, host.cert + host.key]) {
      const identity = await load(await stores(keystore));
      expect(identity).toEqual({ key: host.key.trim(), cert: host.cert, ca: authority.cert });
    }
  });

  test('takes keys with a password', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
    const settings = await stores(key + host.cert);
    await expect(load({ ...settings, 'key-password': 'wrong' })).rejects.toThrow(/key-password right\?/);
    // The right password; then it shows that the key is not that of the certificate.
    await expect(load({ ...settings, 'key-password': 'secret' })).rejects.toThrow(/do not belong together/);
    await expect(load({ ...settings, 'keystore-password': 'secret' })).rejects.toThrow(/do not belong together/);
  });

  test.each([
    ['JKS', Buffer.from('feedfeed00000002', 'hex'), 'keytool -importkeystore'],
    ['PKCS12', Buffer.from('3082000102', 'hex'), 'openssl pkcs12 -in'],
  ])('says how to convert %s', async (format, bytes, command) => {
    await expect(load(await stores(bytes))).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringMatching(new RegExp(`store.pem.*is of the format ${format}.*${command}`)),
    });
    const settings = await stores(host.key + host.cert);
    await expect(load({ ...settings, 'keystore-type': format })).rejects.toThrow(command);
  });

  test('names what is missing or wrong', async () => {
    const good = await stores(host.key + host.cert);
    await expect(load({})).rejects.toThrow(/security.ssl.internal.keystore is not set; `millrace certs`/);
    await expect(load({ keystore: good.keystore })).rejects.toThrow(/security.ssl.internal.truststore is not set/);
    await expect(load({ ...good, keystore: join(folder, 'none') })).rejects.toThrow(/none .*keystore.* does not exist/);
    await expect(load(good, NOW_MS + 5000)).rejects.toThrow(/valid from .*, not now/);
    await expect(load(await stores(host.cert))).rejects.toThrow(/holds no private key/);
    await expect(load(await stores(host.key))).rejects.toThrow(/holds no certificate/);
    await expect(load(await stores(host.key + host.cert, 'x'))).rejects.toThrow(/trust.pem.*holds no certificate/);
    const broken = host.cert.replace('MII', 'XXX');
    await expect(load(await stores(host.key + broken))).rejects.toThrow(/certificate that cannot be read/);
    await expect(load(await stores(authority.key + host.cert))).rejects.toThrow(/do not belong together/);
  });
});
