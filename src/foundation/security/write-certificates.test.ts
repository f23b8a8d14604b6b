import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Configuration } from '../config/configuration.ts';
import { loadTlsIdentity } from './load-tls-identity.ts';
import { writeCertificates } from './write-certificates.ts';

const nowMs = Date.UTC(2026, 5, 1);

test('what is written can be loaded, and only its owner can read the keys', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'millrace-certs-')), 'certs');
  const written = await writeCertificates(folder, ['localhost', '::1'], { nowMs, days: 30 });
  for (const host of ['localhost', '::1']) {
    const identity = await loadTlsIdentity(Configuration.of(written.configuration(host)), nowMs);
    expect(identity?.key).toContain('PRIVATE KEY');
  }
  const secrets = [written.authorityKey, ...written.keystores.values()];
  for (const path of secrets) {
    expect((await stat(path)).mode & 0o077).toBe(0);
  }
  expect([...written.keystores.values()]).toEqual([join(folder, 'host-localhost.pem'), join(folder, 'host-__1.pem')]);
  await expect(
    loadTlsIdentity(Configuration.of(written.configuration('::1')), nowMs + 31 * 86_400_000),
  ).rejects.toThrow(/not now/);
});

test('nothing is replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-certs-'));
  await writeCertificates(folder, [], { nowMs, days: 1 });
  await expect(writeCertificates(folder, [], { nowMs, days: 1 })).rejects.toMatchObject({ code: 'FILE_EXISTS' });
});
