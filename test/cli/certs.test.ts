import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Configuration } from '../../src/foundation/config/configuration.ts';
import { loadTlsIdentity } from '../../src/foundation/security/load-tls-identity.ts';
import { folderWith, millrace } from './millrace-process.ts';

test('certs makes what TLS between processes needs, and prints what to set', async () => {
  const cwd = await folderWith({});
  const folder = join(cwd, 'tls');
  const made = await millrace(['certs', folder, 'a.example', 'b.example', '--days', '7'], { cwd });
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('keep it away from the cluster') });
  expect((await readdir(folder)).toSorted()).toEqual([
    'ca-key.pem',
    'ca.pem',
    'host-a.example.pem',
    'host-b.example.pem',
  ]);
  const settings = Object.fromEntries(
    [...made.stdout.matchAll(/^(security\S+): (.*)$/gm)].map(([, key, value]) => [key!, value!]),
  );
  const identity = await loadTlsIdentity(Configuration.of(settings), Date.now());
  expect(identity?.cert).toContain('BEGIN CERTIFICATE');

  const again = await millrace(['certs', folder], { cwd });
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('name another folder') });
  const wrong = await millrace(['certs', join(cwd, 'x'), '--days', 'soon'], { cwd });
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('--days is soon; allowed') });
});
