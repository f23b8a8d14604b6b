import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isProbeName, probeWritable } from './probe-writable.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'millrace-fs-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

/** Root may write everywhere: a process of its own gives that up, and does what the others do. */
const probedByNobody = (folder: string): string => {
  const program = `
    import { probeWritable } from ${JSON.stringify(new URL('probe-writable.ts', import.meta.url).href)};
    if (process.getuid() === 0) {
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
    }
    console.log(await probeWritable(${JSON.stringify(folder)}).then(
      () => 'writable',
      ({ code, message }) => code + ' ' + message,
    ));`;
  const args = ['--no-warnings', '--input-type=module', '-e', program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
};

describe('probing a folder', () => {
  test('makes it and leaves nothing in it', async () => {
    await probeWritable(`file://${base}/new/checkpoints`);
    expect(await readdir(join(base, 'new/checkpoints'))).toEqual([]);
  });

  test('says what is not writable and why', async () => {
    await writeFile(join(base, 'file'), 'x');
    await expect(probeWritable(join(base, 'file'), 'checkpoint directory')).rejects.toThrow(
      `the checkpoint directory ${join(base, 'file')} is not writable: cannot write to`,
    );
    await expect(probeWritable(join(base, 'file'))).rejects.toThrow('is a file, not a folder');
    await expect(probeWritable('s3://bucket')).rejects.toThrow('no file system for "s3:"');
  });

  test('says that permission is missing', async () => {
    const folder = await mkdtemp(join(base, 'locked-'));
    await chmod(base, 0o755);
    await chmod(folder, 0o555);
    expect(probedByNobody(folder)).toMatch(
      /^FILESYSTEM the folder .* is not writable: cannot write to .*: permission denied/,
    );
    await chmod(folder, 0o777);
    expect(probedByNobody(folder)).toBe('writable\n');
  });

  test.runIf(process.platform === 'linux')('says that a read-only file system is one', async () => {
    await expect(probeWritable('/proc/millrace')).rejects.toThrow('the folder /proc/millrace is not writable');
  });
});

test('its files are told by their names, complete or not', () => {
  expect(['.millrace-probe-0a', '..millrace-probe-0a.0123456789ab.tmp'].every(isProbeName)).toBe(true);
  expect(['leader-marker', '.leader-marker.0123456789ab.tmp', 'millrace-probe-0a'].some(isProbeName)).toBe(false);
});
