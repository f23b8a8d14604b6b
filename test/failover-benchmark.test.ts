import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Line } from '../benchmarks/failover/rounds.ts';
import { scheduleOf } from '../benchmarks/failover/schedule.ts';
import { Stamps } from '../benchmarks/failover/stamps.ts';
import { embeddedStore } from '../benchmarks/failover/store.ts';
import { figuresOf, summaryOf } from '../benchmarks/failover/summary.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'failover-benchmark-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const bytes = (...pairs: readonly (readonly [atMs: number, value: number])[]): Buffer =>
  Buffer.from(Float64Array.from(pairs.flat()).buffer);

test('a gap counts where a part of it lies in the stretch, and goes on over the attempts of a subtask', async () => {
  await writeFile(join(folder, 'emit-0-1.1-7.bin'), bytes([100, 0], [110, 2], [150, 4]));
  await writeFile(join(folder, 'emit-1-1.1-7.bin'), bytes([100, 1], [120, 3], [140, 5], [160, 7]));
  const stamps = new Stamps(folder);
  stamps.look(0);
  expect(stamps.lastMs('emit')).toBe(150);
  expect(stamps.gapMs('emit', 105, 130)).toBe(40);
  expect(stamps.gapMs('emit', 125, 130)).toBe(40);
  expect(stamps.gapMs('emit', 100, 105)).toBe(20);
  await writeFile(join(folder, 'emit-0-2.1-8.bin'), bytes([400, 4], [405, 6]));
  stamps.look(0);
  expect(stamps.gapMs('emit', 160, 300)).toBe(250);
});

test('the first record beyond is beyond what each subtask wrote of each split before; repeats do not count', async () => {
  const path = join(folder, 'emit-0-1.1-7.bin');
  await writeFile(path, bytes([100, 0], [101, 1], [110, 2], [111, 3], [120, 4]));
  const stamps = new Stamps(folder);
  stamps.look(0);
  expect(stamps.beyondMs(120, 2)).toBeUndefined();
  await appendFile(path, bytes([200, 2], [201, 3], [210, 4], [220, 5]));
  stamps.look(0);
  expect(stamps.beyondMs(120, 2)).toBeUndefined();
  await appendFile(path, bytes([230, 6]));
  stamps.look(0);
  expect(stamps.beyondMs(120, 2)).toBe(110);
});

const line = (stretch: Line['stretch'], seen: Partial<Line>): Line => ({
  kind: 'leader-killed',
  round: 1,
  stretch,
  load: 1,
  waitedForCore: 0,
  waitedForDisk: 0,
  grantedMs: undefined,
  takeoverMs: undefined,
  leaderRanMs: undefined,
  leaderWaitedMs: undefined,
  beyondMs: undefined,
  emitGapMs: undefined,
  commitGapMs: undefined,
  restarts: undefined,
  leaderMb: 100,
  leaderChanges: undefined,
  ...seen,
});

const verdictsOf = (...lines: readonly Line[]) =>
  Object.fromEntries(figuresOf('leader-killed', lines, embeddedStore).map(({ what, verdict }) => [what, verdict]));

test('the verdict says by how much a figure falls short', () => {
  const good = { takeoverMs: 199, emitGapMs: 60, commitGapMs: 1_400, restarts: 0 };
  const quiet = line('quiet', { emitGapMs: 31, commitGapMs: 1_000 });
  expect(new Set(Object.values(verdictsOf(quiet, line('failure', good))))).toEqual(new Set(['', 'ok']));
  const bad = { takeoverMs: 230, emitGapMs: 124, commitGapMs: 1_501, restarts: 1, leaderMb: 2_000 };
  expect(verdictsOf(quiet, line('failure', bad))).toMatchObject({
    takeover: 'short by 30 ms',
    'emit gap': 'short by 24 ms',
    'emit gap against quiet': 'short by 2.00 x',
    'commit gap': 'short by 1 ms',
    'restarts of tasks': 'short by 1',
    'leader, resident': 'short by 976 MB',
  });
});

test('a summary has a table for each kind that was measured', () => {
  const text = summaryOf([line('quiet', {}), line('failure', { takeoverMs: 5 })], 'a machine', embeddedStore);
  expect(text).toContain('## leader-killed, once');
  expect(text).toContain('| takeover ');
  expect(text).not.toContain('taskmanager');
});

test('all kinds are spread over the whole measurement', () => {
  const schedule = scheduleOf({ 'leader-killed': 6, 'taskmanager-killed': 2, 'many-jobs': 0 });
  expect(schedule).toHaveLength(8);
  const halves = [schedule.slice(0, 4), schedule.slice(4)];
  expect(halves.map((half) => half.filter((kind) => kind === 'taskmanager-killed').length)).toEqual([1, 1]);
});
