import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { checkpointId, type JobId } from '../../../foundation/common/ids.ts';
import { ReadAhead } from '../../../foundation/common/read-ahead.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { Location } from '../../../foundation/filesystem/file-systems.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { createCheckpointTarget } from '../../checkpoint/checkpoint-target.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import { createStateReader } from '../../checkpoint/state-reader.ts';
import type { OperatorSubtaskState } from '../../state/state-handle.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import {
  FileCheckpointStorage,
  metadataKey,
  readPointedMetadata,
  type FileCheckpointStorageOptions,
} from './file-checkpoint-storage.ts';

const FOLDER = '/c/job1';
const pathOf = (uri: string): string => uri.replace(/^memory:\/\//, '');
let fs: MemoryFileSystem;
let storage: FileCheckpointStorage;

const locate = (uri: string): Location => ({ fs, path: pathOf(uri) });
const options = (): FileCheckpointStorageOptions => ({
  jobId: 'job1',
  checkpointFolder: FOLDER,
  inlineThresholdBytes: 0,
  logger: silentLogger,
  random: seededRandom(1),
  locate,
});

beforeEach(() => {
  fs = new MemoryFileSystem();
  storage = new FileCheckpointStorage(options());
});

const write = async (folder: string, id: number, kind: 'checkpoint' | 'savepoint'): Promise<OperatorSubtaskState> => {
  const target = createCheckpointTarget(fs, {
    folder,
    checkpointId: id,
    kind,
    inlineThresholdBytes: 0,
    tag: 't',
    random: seededRandom(id),
  });
  const [shared, own] = [
    await target.writeState('shared', [Buffer.from(`shared ${id}`)]),
    await target.writeState('exclusive', [Buffer.from(`own ${id}`)]),
  ];
  const segments = [{ handle: shared, full: true, checkpointId: id }];
  return { keyed: [{ keyGroupStart: 0, keyGroupEnd: 127, backendId: 'b', segments }], operatorState: own };
};

const metadataOf = (id: number, kind: 'checkpoint' | 'savepoint', state: OperatorSubtaskState): CheckpointMetadata => ({
  jobId: 'job1',
  jobName: 'job',
  checkpointId: id,
  kind,
  triggeredMs: 1,
  completedMs: 2,
  generation: { epoch: 1, number: 1 },
  graphFingerprint: 'f',
  operators: [
    {
      operatorId: '0123456789abcdef0123456789abcdef',
      name: 'op',
      kind: 'test',
      parallelism: 1,
      maxParallelism: 128,
      subtasks: [state],
      finishedSubtasks: [],
    },
  ],
});

const complete = async (id: number, state: OperatorSubtaskState): Promise<CompletedCheckpoint> => {
  const metadata = metadataOf(id, 'checkpoint', state);
  const { metadataPath } = await storage.writeMetadata(FOLDER, metadata);
  return {
    checkpointId: checkpointId(id),
    kind: 'checkpoint',
    metadataPath,
    baseFolder: FOLDER,
    metadata,
    stateBytes: 0,
    writtenBytes: 0,
    durationMs: 0,
  };
};

const filesBelow = async (folder: string): Promise<string[]> => {
  const found: string[] = [];
  for (const { name, isFolder } of await fs.list(folder)) {
    found.push(...(isFolder ? await filesBelow(`${folder}/${name}`) : [`${folder}/${name}`]));
  }
  return found;
};

test('metadata is read again by its pointer', async () => {
  const { metadata, metadataPath } = await complete(1, await write(FOLDER, 1, 'checkpoint'));
  expect(pathOf(metadataPath)).toBe('/c/job1/chk-1/_metadata');
  const pointer = { jobId: 'job1' as JobId, checkpointId: checkpointId(1), metadataPath, baseFolder: FOLDER };
  expect(await storage.readMetadata({ ...pointer, kind: 'checkpoint', writeId: 'w' })).toEqual(metadata);
});

test('metadata that a standby read saves reading the file once, for the same write of the pointer only (R14)', async () => {
  const { metadata, metadataPath } = await complete(1, await write(FOLDER, 1, 'checkpoint'));
  const pointer = { jobId: 'job1' as JobId, checkpointId: checkpointId(1), metadataPath, baseFolder: FOLDER };
  const [own, other] = [
    { ...pointer, kind: 'checkpoint' as const, writeId: 'w' },
    { ...pointer, kind: 'checkpoint' as const, writeId: 'v' },
  ];
  const ahead = new ReadAhead<CheckpointMetadata>(10);
  const hot = new FileCheckpointStorage({ ...options(), ahead });
  await ahead.keep(new Map([[metadataKey(own), () => readPointedMetadata(own, locate)]]));
  await fs.deleteFolder(FOLDER);
  await expect(hot.readMetadata(other)).rejects.toThrow('cannot read');
  expect(await hot.readMetadata(own)).toEqual(metadata);
  await expect(hot.readMetadata(own)).rejects.toThrow('cannot read');
});

describe('what carried state names is copied', () => {
  test.each(['checkpoint', 'savepoint'] as const)('for a %s', async (kind) => {
    const state = await write(FOLDER, 3, 'checkpoint');
    const folder = kind === 'savepoint' ? await storage.newSavepointFolder('/s') : '/c/job2';
    const copy = await storage.copyState(FOLDER, { folder, kind, checkpointId: checkpointId(7) }, state);
    await fs.deleteFolder(FOLDER);
    const reader = createStateReader(fs, pathOf(folder));
    expect(Buffer.from(await reader.read(copy.operatorState!)).toString()).toBe('own 3');
    expect(Buffer.from(await reader.read(copy.keyed[0]!.segments[0]!.handle)).toString()).toBe('shared 3');
  });
});

test('an older checkpoint goes, except for what those that stay refer to', async () => {
  const first = await write(FOLDER, 1, 'checkpoint');
  const one = await complete(1, first);
  const two = await complete(2, { ...first, keyed: [], operatorState: first.operatorState! });
  await storage.deleteCheckpoint(one, [two]);
  const left = await filesBelow(FOLDER);
  expect(left).toHaveLength(2);
  expect(left).toContain('/c/job1/chk-2/_metadata');
  expect(left.some((path) => path.startsWith('/c/job1/chk-1/t-1-'))).toBe(true);
});

test('what an aborted checkpoint wrote goes, what it took from its base stays', async () => {
  const base = await write(FOLDER, 1, 'checkpoint');
  const own = await write(FOLDER, 2, 'checkpoint');
  const before = await filesBelow(FOLDER);
  const state = { ...own, keyed: [...own.keyed, ...base.keyed] };
  await storage.discard({ checkpointId: checkpointId(2), folder: FOLDER, savepoint: false }, [{ op: state }]);
  const left = await filesBelow(FOLDER);
  expect(before).toHaveLength(4);
  expect(left).toHaveLength(2);
  expect(left.every((path) => path.includes('-1-'))).toBe(true);
});

test('an aborted savepoint leaves nothing', async () => {
  const folder = await storage.newSavepointFolder('/s');
  expect(pathOf(folder)).toMatch(/^\/s\/savepoint-job1-[0-9a-f]{12}$/);
  const state = await write(pathOf(folder), 2, 'savepoint');
  await storage.discard({ checkpointId: checkpointId(2), folder, savepoint: true }, [{ op: state }]);
  expect(await fs.list('/s')).toEqual([]);
});

test('what a task or a leader that died wrote for a checkpoint goes once a later one is complete (R16)', async () => {
  await complete(1, await write(FOLDER, 1, 'checkpoint'));
  await write(FOLDER, 2, 'checkpoint');
  await complete(3, await write(FOLDER, 3, 'checkpoint'));
  await write(FOLDER, 4, 'checkpoint');
  await storage.collectLeftOvers({ above: 3, upTo: 3 });
  const left = await filesBelow(FOLDER);
  expect([1, 2, 3, 4].map((id) => left.filter((path) => path.includes(`-${id}-`)).length)).toEqual([2, 0, 2, 2]);
});

test('everything goes with the job', async () => {
  await complete(4, await write(FOLDER, 4, 'checkpoint'));
  await storage.deleteAll();
  expect(await filesBelow('/c')).toEqual([]);
});
