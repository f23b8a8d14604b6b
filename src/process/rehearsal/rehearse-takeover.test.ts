import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileSystemOf } from '../../foundation/filesystem/file-systems.ts';
import { rehearseTakeover } from './rehearse-takeover.ts';

let temporary: string;

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'millrace-rehearsal-'));
});

afterEach(async () => {
  await rm(temporary, { recursive: true });
});

/** Other tests of this thread share its memory. */
const left = async (): Promise<readonly string[]> => {
  const { fs, path } = fileSystemOf('memory:///');
  const inMemory = (await fs.names(path)).filter((name) => name.startsWith('rehearsal'));
  return [...(await readdir(temporary)), ...inMemory];
};

test('takes jobs over twice, and leaves nothing', async () => {
  expect(await rehearseTakeover(temporary, () => true)).toBe(2);
  expect(await left()).toEqual([]);
});

test.each([1, 2, 5, 10, 20, 40, 80])('ends when it is told so at its %ith step, and leaves nothing', async (steps) => {
  let asked = 0;
  expect(await rehearseTakeover(temporary, () => ++asked < steps)).toBeLessThan(2);
  expect(await left()).toEqual([]);
});
