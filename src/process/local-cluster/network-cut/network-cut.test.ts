import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NetworkCut, type NetworkCutOptions } from './network-cut.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cut-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const cuts = (changes: Partial<NetworkCutOptions> = {}): NetworkCut =>
  new NetworkCut({ folder, isAlive: () => Promise.resolve(false), ...changes });

test('says in a sentence why it cannot be done, with the way out', async () => {
  expect(await cuts({ asker: { platform: 'darwin', userId: 501 } }).obstacle()).toMatch(
    /of Linux, and this is darwin$/,
  );
  expect(await cuts({ asker: { platform: 'linux', userId: 1000 } }).obstacle()).toMatch(
    /which only root may; run the drill as root, with the --run-dir of the cluster$/,
  );
});

test('a process that is gone is not cut off, and nothing is written down', async () => {
  expect(await cuts().cut({ name: 'taskmanager-1', pid: process.pid }, 1000)).toBe(false);
  expect(await cuts().end()).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});

test('clusters in different folders have different tables', () => {
  expect(cuts().undo).toMatch(/^nft delete table inet millrace_drill_[0-9a-f]{8}$/);
  expect(cuts().undo).toBe(cuts().undo);
  expect(cuts({ folder: join(folder, 'other') }).undo).not.toBe(cuts().undo);
});
