import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileSystemOf, probeWritable } from './file-systems.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'millrace-fs-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('where a URI leads', () => {
  test.each([
    ['/a/b', 'file', '/a/b'],
    ['/a//b/../c/', 'file', '/a/c'],
    ['a/b', 'file', resolve('a/b')],
    ['./a:b', 'file', resolve('a:b')],
    ['/a b/%20', 'file', '/a b/%20'],
    ['file:///a/b', 'file', '/a/b'],
    ['file:/a/b/', 'file', '/a/b'],
    ['FILE://localhost/a', 'file', '/a'],
    ['file:///a%20b', 'file', '/a b'],
    ['memory:///a/b', 'memory', '/a/b'],
    ['memory://a/b', 'memory', '/a/b'],
  ])('%s', (uri, scheme, path) => {
    const location = fileSystemOf(uri);
    expect([location.fs.scheme, location.path]).toEqual([scheme, path]);
  });

  test('memory is one file system', () => {
    expect(fileSystemOf('memory:///a').fs).toBe(fileSystemOf('memory:///b').fs);
  });

  test.each([
    ['hdfs://namenode/x', 'there is no file system for "hdfs:"'],
    ['s3://bucket/x', 'this version has file:, memory: and plain paths'],
    ['constructor:x', 'there is no file system for "constructor:"'],
    ['file:a/b', 'is not absolute'],
    ['file://server/share', 'is no path on this machine'],
    ['file:///a%2Fb', 'is no path on this machine'],
    ['', 'an empty path'],
    ['/a\0b', 'zero byte'],
  ])('%j is refused', (uri, message) => {
    expect(() => fileSystemOf(uri)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(() => fileSystemOf(uri)).toThrow(message);
  });
});

/** Root may write everywhere: a process of its own gives that up, and does what the others do. */
const probedByNobody = (folder: string): string => {
  const program = `
    import { probeWritable } from ${JSON.stringify(new URL('file-systems.ts', import.meta.url).href)};
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
