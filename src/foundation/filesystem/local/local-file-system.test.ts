import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileSystemContract } from '../file-system-contract.ts';
import { LocalFileSystem } from './local-file-system.ts';

const fs = new LocalFileSystem();
let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'millrace-local-fs-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('the contract', () => {
  for (const [index, { name, run }] of fileSystemContract.entries()) {
    test(name, () => run(fs, join(base, `case-${index}`)));
  }
});

test('leaves no temporary file behind, not even after a failure', async () => {
  const folder = join(base, 'temporary');
  await mkdir(join(folder, 'd'), { recursive: true });
  await fs.write(join(folder, 'f'), Buffer.from('x'));
  await expect(fs.write(join(folder, 'd'), Buffer.from('x'))).rejects.toThrow('it is a folder, not a file');
  await expect(fs.write(join(folder, 'f'), Buffer.from('x'), { ifAbsent: true })).rejects.toThrow('it exists already');
  expect((await readdir(folder)).sort()).toEqual(['d', 'f']);
});

test.runIf(process.platform === 'linux')('a full device is named with the way out', async () => {
  const file = await fs.create('/dev/full');
  await expect(file.write(Buffer.from('x'))).rejects.toThrow(
    'cannot write to /dev/full: no space left on the device; free some, or name a folder on another device',
  );
  await expect(file.sync(), 'nothing works after a failed write').rejects.toThrow('no space left');
  await file.abandon();
});

test('a name that is too long and a file in the way are named', async () => {
  const long = join(base, 'n'.repeat(300));
  await expect(fs.write(long, Buffer.from('x'))).rejects.toMatchObject({ code: 'FILESYSTEM' });
  await writeFile(join(base, 'plain'), 'x');
  await expect(fs.write(join(base, 'plain/below/f'), Buffer.from('x'))).rejects.toThrow(
    `cannot write to ${join(base, 'plain/below/f')}: a part of the path is a file, not a folder`,
  );
});

test('a dangling link in a folder is left out of the list, a linked file counts as a file', async () => {
  const folder = join(base, 'links');
  await mkdir(folder);
  await writeFile(join(folder, 'real'), 'four');
  await symlink(join(folder, 'real'), join(folder, 'good'));
  await symlink(join(folder, 'nowhere'), join(folder, 'bad'));
  const listed = await fs.list(folder);
  expect(listed.map((entry) => [entry.name, entry.sizeBytes])).toEqual([
    ['good', 4],
    ['real', 4],
  ]);
});

test('deleting a folder does not follow links out of it', async () => {
  const folder = join(base, 'outside');
  await mkdir(join(folder, 'inner'), { recursive: true });
  await writeFile(join(folder, 'kept'), 'x');
  await symlink(folder, join(folder, 'inner', 'up'));
  await fs.deleteFolder(join(folder, 'inner'));
  expect(await readdir(folder)).toEqual(['kept']);
});

test('an uploaded 3 MB file reads back the same', async () => {
  const content = Buffer.alloc(3_000_000, 'millrace');
  await fs.write(join(base, 'large'), [content.subarray(0, 7), content.subarray(7)]);
  expect(content.equals(await fs.read(join(base, 'large')))).toBe(true);
});
