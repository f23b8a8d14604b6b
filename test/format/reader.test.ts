import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyGroupOf, keyGroupRangeOf } from '../../src/foundation/common/key-groups.ts';
import { seededRandom } from '../../src/foundation/common/random.ts';
import { LocalFileSystem } from '../../src/foundation/filesystem/local/local-file-system.ts';
import { createCheckpointTarget } from '../../src/runtime/checkpoint/checkpoint-target.ts';
import type { CheckpointMetadata } from '../../src/runtime/checkpoint/metadata.ts';
import { writeMetadata } from '../../src/runtime/checkpoint/write-metadata.ts';
import { HeapKeyedBackend } from '../../src/runtime/state/heap/heap-keyed-backend.ts';
import type { Key } from '../../src/runtime/state/keyed-state.ts';
import { OperatorState } from '../../src/runtime/state/operator-state.ts';
import type { OperatorSubtaskState } from '../../src/runtime/state/state-handle.ts';

/*
 * The reader shares no line with Millrace: it knows the formats from docs/formats alone. What it reads out of a checkpoint
 * that the real code wrote must be what was put in.
 */
const MAX_PARALLELISM = 16;
const PARALLELISM = 2;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-reader-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fs = new LocalFileSystem();
const random = seededRandom(7);
const reader = join(import.meta.dirname, 'reader.py');
const python = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('python3', [reader, ...args], { maxBuffer: 2 ** 26 })).stdout;

interface ReadState {
  readonly name: string;
  readonly kind: string;
  readonly entries: readonly (readonly unknown[])[];
}
interface ReadOperator {
  readonly name: string;
  readonly states: readonly ReadState[];
  readonly stateBytes: number;
  readonly enumerator?: unknown;
}
interface Read {
  readonly jobId: string;
  readonly checkpointId: number;
  readonly operators: readonly ReadOperator[];
}
const readJson = async (path: string): Promise<Read> => JSON.parse(await python(path, '--json')) as Read;

/** Two subtasks of one operator and what a job does to their states. */
const subtasks = Array.from({ length: PARALLELISM }, (_, subtask) => {
  const { start, end } = keyGroupRangeOf(subtask, MAX_PARALLELISM, PARALLELISM);
  return new HeapKeyedBackend({
    operatorName: 'count',
    maxParallelism: MAX_PARALLELISM,
    keyGroupStart: start,
    keyGroupEnd: end,
    backendId: `backend-${subtask}`,
  });
});
const lists = subtasks.map(() => new OperatorState('files'));
const at = (key: Key): HeapKeyedBackend => {
  const backend = subtasks[Math.floor((keyGroupOf(key, MAX_PARALLELISM) * PARALLELISM) / MAX_PARALLELISM)]!;
  backend.setCurrentKey(key);
  return backend;
};

/** Subtask 0 has all its state in files, subtask 1 what is small in the metadata. */
const targetOf = (checkpointId: number, kind: 'checkpoint' | 'savepoint', into: string, subtask: number) =>
  createCheckpointTarget(fs, {
    folder: into,
    checkpointId,
    kind,
    inlineThresholdBytes: subtask === 0 ? 0 : 1000,
    tag: `count_${subtask}`,
    random,
  });

const takeCheckpoint = async (
  checkpointId: number,
  kind: 'checkpoint' | 'savepoint',
  into: string,
  baseId?: number,
): Promise<void> => {
  const states: OperatorSubtaskState[] = [];
  for (const [index, backend] of subtasks.entries()) {
    const target = targetOf(checkpointId, kind, into, index);
    const pending = backend.snapshot({ checkpointId, baseId, full: kind === 'savepoint' });
    states.push({ keyed: [await pending.write(target, async () => undefined)] });
  }
  const listStates = lists.map(async (state, index): Promise<OperatorSubtaskState | undefined> => {
    const bytes = state.snapshot();
    const target = targetOf(checkpointId, kind, into, index);
    return bytes && { keyed: [], operatorState: await target.writeState('exclusive', [bytes]) };
  });
  await writeMetadata(fs, into, metadataOf(checkpointId, kind, states, await Promise.all(listStates)));
  for (const backend of subtasks) {
    backend.checkpointCompleted(checkpointId);
  }
};

const metadataOf = (
  checkpointId: number,
  kind: 'checkpoint' | 'savepoint',
  states: readonly OperatorSubtaskState[],
  listStates: readonly (OperatorSubtaskState | undefined)[],
): CheckpointMetadata => ({
  jobId: 'ab'.repeat(16),
  jobName: 'Zähler',
  checkpointId,
  kind,
  triggeredMs: 1_700_000_000_000,
  completedMs: 1_700_000_000_050,
  generation: { epoch: 2, number: 1 },
  graphFingerprint: 'cd'.repeat(32),
  operators: [
    {
      operatorId: 'ef'.repeat(16),
      uid: 'count',
      name: 'count',
      kind: 'keyed-process',
      parallelism: PARALLELISM,
      maxParallelism: MAX_PARALLELISM,
      subtasks: states,
      finishedSubtasks: [],
    },
    {
      operatorId: '01'.repeat(16),
      name: 'files',
      kind: 'source',
      parallelism: PARALLELISM,
      maxParallelism: MAX_PARALLELISM,
      subtasks: listStates,
      finishedSubtasks: [0],
      enumerator: everyValue,
    },
  ],
});

const everyValue = {
  nothing: [undefined, null, true, false],
  numbers: [0, 63, 64, -1, 2 ** 31, -(2 ** 51), 2 ** 53, 1.5, -0, NaN, -Infinity],
  bigints: [0n, 127n, 128n, -128n, -129n, 2n ** 70n],
  strings: ['', 'short', 'x'.repeat(100), 'Zähler 日本 🙂', 'lone \ud800'],
  times: new Date(1_700_000_000_123),
  map: new Map<unknown, unknown>([['a', 1]]),
  set: new Set([1, 'b']),
  bytes: [new Uint8Array([1, 2, 255]), Buffer.from('b'), new Float64Array([1.5])],
  pattern: /a+/gi,
  holes: [1, , 3], // eslint-disable-line no-sparse-arrays
  bare: Object.assign(Object.create(null) as object, { x: 1 }),
  error: Object.assign(new RangeError('too far', { cause: 'why' }), { code: 'E1', stack: 'at' }),
};
const everyValueAsJson = {
  nothing: [{ $undefined: true }, null, true, false],
  numbers: [
    0,
    63,
    64,
    -1,
    2 ** 31,
    -(2 ** 51),
    2 ** 53,
    1.5,
    { $number: '-0.0' },
    { $number: 'nan' },
    { $number: '-inf' },
  ],
  bigints: ['0', '127', '128', '-128', '-129', `${2n ** 70n}`].map(($bigint) => ({ $bigint })),
  strings: everyValue.strings,
  times: { $date: 1_700_000_000_123 },
  map: { $map: [['a', 1]] },
  set: { $set: [1, 'b'] },
  bytes: [
    { $bytes: '0102ff', type: 'Uint8Array' },
    { $bytes: '62', type: 'Buffer' },
    { $bytes: '000000000000f83f', type: 'Float64Array' },
  ],
  pattern: { $regExp: ['a+', 'gi'] },
  holes: [1, { $hole: true }, 3],
  bare: { x: 1 },
  error: { $error: 'RangeError', message: 'too far', stack: 'at', cause: 'why', fields: { code: 'E1' } },
};

const stateOf = (read: Read, name: string): ReadState =>
  read.operators[0]!.states.find((state) => state.name === name) ?? { name, kind: 'absent', entries: [] };
/** Order says nothing. */
const sorted = (entries: readonly (readonly unknown[])[]): string[] =>
  entries.map((entry) => JSON.stringify(entry)).toSorted();

test('reads every key and value that a job left in a checkpoint of increments', async () => {
  const jobFolder = join(folder, 'ab'.repeat(16));
  const counts = new Map<string, number>();
  for (let round = 1; round <= 4; round++) {
    for (let i = 0; i < 300; i++) {
      const key = `user-${random.int(200)}`;
      const table = at(key).table<number>('counts');
      if (random.int(4) === 0) {
        table.delete(key);
        counts.delete(key);
      } else {
        table.put(key, round * 1000 + i);
        counts.set(key, round * 1000 + i);
      }
    }
    at(7)
      .value('last')
      .update({ round, at: new Date(round) });
    at({ b: 2, a: 1 }).list('visits').add(`visit ${round}`);
    at('user-1')
      .map('per day')
      .put(`day ${round % 2}`, BigInt(round));
    at('user-1')
      .timers('alarms')
      .register('user-1', round * 100);
    await takeCheckpoint(round, 'checkpoint', jobFolder, round === 1 ? undefined : round - 1);
  }
  lists[0]!.list('offsets').update([{ file: 'a', offset: 12n }, 'b']);
  lists[1]!.list('everywhere', 'union').add(new Date(5));
  at('user-1').timers('alarms').delete('user-1', 100);
  at('user-1').map('per day').remove('day 0');
  await takeCheckpoint(5, 'checkpoint', jobFolder, 4);

  for (const path of [jobFolder, join(jobFolder, 'chk-5'), join(jobFolder, 'chk-5', '_metadata')]) {
    const read = await readJson(path);
    expect(read).toMatchObject({ jobId: 'ab'.repeat(16), jobName: 'Zähler', checkpointId: 5, kind: 'checkpoint' });
    expect(sorted(stateOf(read, 'counts').entries)).toEqual(sorted([...counts]));
    expect(stateOf(read, 'last')).toMatchObject({ kind: 'value', entries: [[7, { round: 4, at: { $date: 4 } }]] });
    const visits = ['visit 1', 'visit 2', 'visit 3', 'visit 4'];
    expect(stateOf(read, 'visits')).toMatchObject({ kind: 'list', entries: [[{ a: 1, b: 2 }, visits]] });
    expect(stateOf(read, 'per day')).toMatchObject({ kind: 'map', entries: [['user-1', 'day 1', { $bigint: '3' }]] });
    expect(stateOf(read, 'alarms').kind).toBe('timers');
    expect(stateOf(read, 'alarms').entries.map(([key, timeMs]) => [key, timeMs])).toEqual([
      ['user-1', 200],
      ['user-1', 300],
      ['user-1', 400],
    ]);
    expect(read.operators[1]!.enumerator).toEqual(everyValueAsJson);
    expect(read.operators[1]!.states).toEqual([
      {
        name: 'offsets of subtask 0',
        kind: 'split list',
        entries: [[{ file: 'a', offset: { $bigint: '12' } }], ['b']],
      },
      { name: 'everywhere of subtask 1', kind: 'union list', entries: [[{ $date: 5 }]] },
    ]);
    expect(read.operators[0]!.stateBytes).toBeGreaterThan(1000);
  }
  const table = await python(jobFolder, '--keys');
  expect(table).toContain(`checkpoint 5 of job ${'ab'.repeat(16)} (Zähler)`);
  expect(table).toContain(`table counts: ${counts.size} entries`);
  expect(table).toContain('"user-1"  "day 1"  {"$bigint": "3"}');
  expect(table).toContain('split list offsets of subtask 0: 2 entries');
});

test('reads a savepoint that was moved elsewhere', async () => {
  const savepoint = join(folder, 'savepoint-ababab-1');
  at('moved').value('last').update('here');
  await takeCheckpoint(6, 'savepoint', savepoint);
  const copy = join(folder, 'copy');
  await cp(savepoint, copy, { recursive: true });
  await rm(savepoint, { recursive: true });
  expect(sorted(stateOf(await readJson(copy), 'last').entries)).toContain('["moved","here"]');
});

test('refuses files that are damaged, cut off or away', async () => {
  const savepoint = join(folder, 'savepoint-ababab-2');
  await takeCheckpoint(7, 'savepoint', savepoint);
  const files = await readdir(savepoint);
  expect(files.length).toBeGreaterThan(1);
  for (const name of files) {
    const path = join(savepoint, name);
    const content = await readFile(path);
    const flipped = Buffer.from(content);
    flipped[content.length >> 1]! ^= 1;
    for (const damaged of [flipped, content.subarray(0, -1)]) {
      await writeFile(path, damaged);
      await expect(python(savepoint)).rejects.toThrow(name);
    }
    await rm(path);
    await expect(python(savepoint)).rejects.toThrow(/No such file|no complete checkpoint/);
    await writeFile(path, content);
  }
  await readJson(savepoint);
});
