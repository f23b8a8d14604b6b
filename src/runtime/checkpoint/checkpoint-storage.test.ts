import { resolve } from 'node:path/posix';
import { beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import type { OperatorSubtaskState, StateHandle } from '../state/state-handle.ts';
import { CheckpointCleaner } from './checkpoint-cleaner.ts';
import { jobCheckpointFolder, newSavepointFolder } from './checkpoint-layout.ts';
import { createCheckpointTarget } from './checkpoint-target.ts';
import type { DiscardableTarget } from './checkpoint-target.ts';
import { deleteSavepoint } from './delete-savepoint.ts';
import type { CheckpointMetadata } from './metadata.ts';
import { checkDataFiles, listCheckpoints, newerCheckpoint, readCheckpoint } from './read-checkpoint.ts';
import { filesOf } from './referenced-files.ts';
import { createStateReader } from './state-reader.ts';
import { writeMetadata } from './write-metadata.ts';

const jobId = '0123456789abcdef0123456789abcdef';
const jobFolder = jobCheckpointFolder('/checkpoints/', jobId);
const random = seededRandom(1);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

let fs: MemoryFileSystem;
const locate = (uri: string): Location => ({ fs, path: resolve(uri.replace(/^memory:\/\//, '')) });
beforeEach(() => {
  fs = new MemoryFileSystem({ random });
});

const targetFor = (
  checkpointId: number,
  kind: 'checkpoint' | 'savepoint' = 'checkpoint',
  folder = jobFolder,
): DiscardableTarget =>
  createCheckpointTarget(fs, { folder, checkpointId, kind, inlineThresholdBytes: 10, tag: 'count 0', random });

const metadataOf = (
  checkpointId: number,
  states: readonly OperatorSubtaskState[],
  kind: 'checkpoint' | 'savepoint' = 'checkpoint',
): CheckpointMetadata => ({
  jobId,
  jobName: 'test',
  checkpointId,
  kind,
  triggeredMs: 1,
  completedMs: 2,
  generation: { epoch: 0, number: 1 },
  graphFingerprint: 'f',
  operators: [
    {
      operatorId: 'op',
      name: 'count',
      kind: 'count',
      parallelism: states.length,
      maxParallelism: 128,
      subtasks: states,
      finishedSubtasks: [],
    },
  ],
});

const keyed = (...handles: readonly StateHandle[]): OperatorSubtaskState => ({
  keyed: [
    {
      keyGroupStart: 0,
      keyGroupEnd: 127,
      backendId: 'b',
      segments: handles.map((handle, index) => ({ handle, full: index === 0, checkpointId: 1 })),
    },
  ],
});

/** A checkpoint with one shared and one exclusive file, and the shared ones of others. */
const complete = async (checkpointId: number, others: readonly StateHandle[] = []): Promise<CheckpointMetadata> => {
  const target = targetFor(checkpointId);
  const sharedHandle = await target.writeState('shared', [text(`shared state of ${checkpointId}`)]);
  const operatorState = await target.writeState('exclusive', [text(`exclusive state of ${checkpointId}`)]);
  const metadata = metadataOf(checkpointId, [{ ...keyed(...others, sharedHandle), operatorState }]);
  await writeMetadata(fs, jobFolder, metadata);
  return metadata;
};

const sharedOf = (metadata: CheckpointMetadata): StateHandle[] =>
  metadata.operators[0]!.subtasks[0]!.keyed[0]!.segments.map((segment) => segment.handle);

const filesIn = async (folder: string, from: FileSystem = fs): Promise<string[]> => {
  const found: string[] = [];
  for (const { name, isFolder } of await from.list(folder)) {
    found.push(...(isFolder ? (await filesIn(`${folder}/${name}`, from)).map((below) => `${name}/${below}`) : [name]));
  }
  return found;
};

describe('the target', () => {
  test('puts small pieces inline, others in files named after the checkpoint', async () => {
    const target = targetFor(7);
    const content = text('9 bytes..');
    const small = await target.writeState('shared', [content]);
    content.fill(0);
    expect(small).toEqual({ kind: 'inline', bytes: text('9 bytes..') });
    const exclusive = await target.writeState('exclusive', [text('ten '), text('bytes.')]);
    const shared = await target.writeState('shared', [text('ten bytes.')]);
    expect(exclusive).toMatchObject({
      kind: 'file',
      sizeBytes: 10,
      path: expect.stringMatching(/^chk-7\/count_0-7-[0-9a-f]{16}$/),
    });
    expect(shared).toMatchObject({
      kind: 'file',
      sizeBytes: 10,
      path: expect.stringMatching(/^shared\/count_0-7-[0-9a-f]{16}$/),
    });
    expect(target.writtenBytes).toBe(20);
    const reader = createStateReader(fs, jobFolder);
    for (const handle of [exclusive, shared]) {
      expect(new TextDecoder().decode(await reader.read(handle))).toBe('ten bytes.');
    }
    expect(await reader.read(small)).toEqual(text('9 bytes..'));
  });

  test('puts all files of a savepoint beside its metadata', async () => {
    const folder = newSavepointFolder('/savepoints', jobId, random);
    expect(folder).toMatch(/^\/savepoints\/savepoint-012345-[0-9a-f]{12}$/);
    const target = targetFor(7, 'savepoint', folder);
    const handles = [
      await target.writeState('exclusive', [text('ten bytes.')]),
      await target.writeState('shared', [text('ten bytes!')]),
    ];
    for (const handle of handles) {
      expect(handle).toMatchObject({ path: expect.stringMatching(/^count_0-7-[0-9a-f]{16}$/) });
    }
    await writeMetadata(
      fs,
      folder,
      metadataOf(
        7,
        handles.map((handle) => keyed(handle)),
        'savepoint',
      ),
    );
    expect(await filesIn(folder)).toHaveLength(3);
    const read = await readCheckpoint(folder, { locate });
    expect(read.baseFolder).toBe(`memory://${folder}`);
    await deleteSavepoint(fs, folder, read.metadata);
    expect(await fs.stat(folder)).toBeUndefined();
  });

  test('deletes what it wrote when the checkpoint is aborted, what is under way too', async () => {
    const target = targetFor(7);
    await target.writeState('shared', [text('written before')]);
    const underWay = target.writeState('exclusive', [text('being written')]);
    const refused = expect(underWay).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' });
    await target.discard();
    await refused;
    await expect(target.writeState('shared', [text('too late to write')])).rejects.toThrow('checkpoint 7 was aborted');
    expect(await filesIn(jobFolder)).toEqual([]);
  });
});

describe('the state reader', () => {
  const fileHandle = async (): Promise<Extract<StateHandle, { kind: 'file' }>> => {
    const handle = await targetFor(7).writeState('shared', [text('some state to read')]);
    if (handle.kind !== 'file') {
      throw new Error('a file was expected');
    }
    return handle;
  };
  const broken = (message: string): object => ({
    code: 'CHECKPOINT_BROKEN',
    message: expect.stringContaining(message) as unknown,
  });

  test('tells a damaged file by its size and its checksum', async () => {
    const handle = await fileHandle();
    const path = `${jobFolder}/${handle.path}`;
    await fs.write(path, text('some state to reap'));
    await expect(createStateReader(fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken(`${path} cannot be used: its checksum`),
    );
    await fs.write(path, text('some state'));
    await expect(createStateReader(fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken('it has 10 bytes, 18 were written'),
    );
    await fs.delete(path);
    await expect(createStateReader(fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken(`${path} cannot be used: it is not there`),
    );
  });

  test('calls storage that is away a thing to retry', async () => {
    const handle = await fileHandle();
    const nothingMounted = createStateReader(new MemoryFileSystem(), jobFolder);
    await expect(nothingMounted.read(handle)).rejects.toMatchObject({ code: 'FILESYSTEM', retryable: true });
    for (const code of ['EACCES', 'EIO', 'ESTALE', 'ETIMEDOUT']) {
      const failing = new MemoryFileSystem({
        disk: fs.disk,
        tap: ({ name }) => {
          if (name === 'open') {
            throw Object.assign(new Error(code), { code });
          }
        },
      });
      await expect(createStateReader(failing, jobFolder).read(handle)).rejects.toMatchObject({
        code: 'FILESYSTEM',
        retryable: true,
      });
    }
  });

  test('never leaves its folder', async () => {
    const handle = { kind: 'file', path: '../x', sizeBytes: 1, checksum: 1 } as const;
    await expect(createStateReader(fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken('leads out of the folder'),
    );
  });
});

describe('metadata', () => {
  test('are written once; the same again is success, others are refused', async () => {
    const first = metadataOf(3, [keyed({ kind: 'inline', bytes: text('a') })]);
    const written = await writeMetadata(fs, jobFolder, first);
    expect(written).toMatchObject({ folder: `${jobFolder}/chk-3`, path: `${jobFolder}/chk-3/_metadata` });
    await writeMetadata(fs, jobFolder, first);
    await expect(
      writeMetadata(fs, jobFolder, metadataOf(3, [keyed({ kind: 'inline', bytes: text('b') })])),
    ).rejects.toMatchObject({
      code: 'CHECKPOINT_FAILED',
      message: expect.stringContaining('exists already') as unknown,
    });
  });

  test('are written where there are no hard links, too', async () => {
    const withoutLinks = new MemoryFileSystem({
      disk: fs.disk,
      tap: ({ name }) => {
        if (name === 'link') {
          throw Object.assign(new Error('no links'), { code: 'EPERM' });
        }
      },
    });
    const first = metadataOf(3, [keyed({ kind: 'inline', bytes: text('a') })]);
    await writeMetadata(withoutLinks, jobFolder, first);
    await writeMetadata(withoutLinks, jobFolder, first);
    await expect(
      writeMetadata(withoutLinks, jobFolder, metadataOf(3, [keyed({ kind: 'inline', bytes: text('b') })])),
    ).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' });
    expect((await readCheckpoint(jobFolder, { locate })).metadata).toEqual(first);
  });
});

describe('reading a checkpoint', () => {
  test('by its metadata file, its folder, or the folder of its job', async () => {
    await complete(2);
    const newest = await complete(10);
    await targetFor(11).writeState('exclusive', [text('of a checkpoint that was not completed')]);
    const places = [jobFolder, `${jobFolder}/chk-10`, `${jobFolder}/chk-10/`, `${jobFolder}/chk-10/_metadata`];
    for (const place of places) {
      const read = await readCheckpoint(place, { locate });
      expect(read).toEqual({
        metadata: newest,
        baseFolder: `memory://${jobFolder}`,
        folder: `memory://${jobFolder}/chk-10`,
        metadataFile: `memory://${jobFolder}/chk-10/_metadata`,
      });
      await checkDataFiles(read, locate);
      expect(await newerCheckpoint(read, locate)).toBeUndefined();
    }
    const older = await readCheckpoint(`${jobFolder}/chk-2`, { locate });
    expect(await newerCheckpoint(older, locate)).toEqual({ checkpointId: 10, folder: `memory://${jobFolder}/chk-10` });
    expect(await listCheckpoints(fs, jobFolder)).toEqual([
      { checkpointId: 2, complete: true },
      { checkpointId: 10, complete: true },
      { checkpointId: 11, complete: false },
    ]);
  });

  test('says what is wrong with the place', async () => {
    await complete(2);
    await targetFor(3).writeState('exclusive', [text('of a checkpoint that was not completed')]);
    await fs.write('/plain', text('a text'));
    await fs.makeFolder('/empty');
    await fs.makeFolder('/half/chk-1');
    await fs.makeFolder('/savepoints/savepoint-012345-aa');
    const cases: readonly [string, string, string][] = [
      ['/none', 'FILE_NOT_FOUND', 'there is no checkpoint at /none'],
      ['/plain', 'CHECKPOINT_BROKEN', '/plain is not the metadata of a checkpoint'],
      [
        '/empty',
        'CHECKPOINT_BROKEN',
        '/empty is no checkpoint: there is neither a _metadata file nor a chk-<n> folder',
      ],
      ['/half', 'CHECKPOINT_BROKEN', 'no checkpoint in /half is complete: none of chk-1 has'],
      [`${jobFolder}/chk-3`, 'CHECKPOINT_BROKEN', 'is not complete: it has no _metadata file'],
      ['/savepoints/savepoint-012345-aa', 'CHECKPOINT_BROKEN', 'is not complete'],
      ['/savepoints', 'CHECKPOINT_BROKEN', 'several jobs or savepoints; name one of them: savepoint-012345-aa'],
      ['/checkpoints', 'CHECKPOINT_BROKEN', `name one of them: ${jobId}`],
    ];
    for (const [place, code, message] of cases) {
      await expect(readCheckpoint(place, { locate }), place).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message) as unknown,
      });
    }
    await expect(readCheckpoint('hdfs://x/y')).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  test('of another job, or another id, is a mismatch', async () => {
    await complete(2);
    await expect(readCheckpoint(jobFolder, { locate, jobId: 'f'.repeat(32) })).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining(`is a checkpoint of job ${jobId} ("test")`) as unknown,
    });
    await expect(readCheckpoint(jobFolder, { locate, checkpointId: 3 })).rejects.toThrow('is checkpoint 2, not 3');
    await readCheckpoint(jobFolder, { locate, jobId, checkpointId: 2 });
  });

  test('does not take an older one when the newest is broken', async () => {
    await complete(2);
    await complete(3);
    await fs.write(`${jobFolder}/chk-3/_metadata`, text('MILLRACE'));
    await expect(readCheckpoint(jobFolder, { locate })).rejects.toMatchObject({
      code: 'CHECKPOINT_BROKEN',
      message: expect.stringContaining('chk-3/_metadata') as unknown,
    });
  });

  test('of which only a part was copied says so', async () => {
    const metadata = await complete(2);
    for (const path of filesOf(metadata).keys()) {
      await fs.delete(`${jobFolder}/${path}`);
    }
    const read = await readCheckpoint(jobFolder, { locate });
    await expect(checkDataFiles(read, locate)).rejects.toThrow(
      /of its 2 data files .* is not there; .*was only a part/,
    );
    await fs.rename(`${jobFolder}/chk-2/_metadata`, '/copy/_metadata');
    await expect(readCheckpoint('/copy', { locate })).rejects.toThrow('whose folder must be called "chk-2"');
  });

  test('passes on that the storage is away', async () => {
    await complete(2);
    const away = new MemoryFileSystem({
      disk: fs.disk,
      tap: () => {
        throw Object.assign(new Error('away'), { code: 'ESTALE' });
      },
    });
    await expect(readCheckpoint(jobFolder, { locate: (path) => ({ fs: away, path }) })).rejects.toMatchObject({
      code: 'FILESYSTEM',
      retryable: true,
    });
  });
});

describe('the cleaner', () => {
  const retained = (metadata: CheckpointMetadata) => ({
    checkpointId: metadata.checkpointId,
    files: filesOf(metadata).keys(),
  });
  const fileNames = (metadata: CheckpointMetadata): string[] => [...filesOf(metadata).keys()];

  test('deletes what retires and keeps what is shared with what stays', async () => {
    const first = await complete(1);
    const second = await complete(2, sharedOf(first));
    const third = await complete(3, sharedOf(second).slice(0, 1));
    await fs.write(`${jobFolder}/chk-1/left-1-0123456789abcdef`, text('of a task that failed'));
    const cleaner = new CheckpointCleaner(fs, jobFolder, silentLogger);
    const completed = [first, second, third];
    const input = {
      completed: completed.map((metadata) => ({ ...retained(metadata), files: fileNames(metadata) })),
      numRetained: 1,
    };
    expect(await cleaner.retire({ ...input, held: new Set([2]) })).toEqual([1]);
    for (const metadata of [second, third]) {
      await checkDataFiles(await readCheckpoint(`${jobFolder}/chk-${metadata.checkpointId}`, { locate }), locate);
    }
    expect(await fs.stat(`${jobFolder}/chk-1`)).toBeUndefined();
    expect(await cleaner.retire({ ...input, completed: input.completed.slice(1), held: new Set() })).toEqual([2]);
    expect((await filesIn(jobFolder)).sort()).toEqual([...fileNames(third), 'chk-3/_metadata'].sort());
  });

  test('collects what nothing refers to and nothing else', async () => {
    const first = await complete(4);
    await targetFor(2).writeState('exclusive', [text('aborted long ago')]);
    await targetFor(3).writeState('shared', [text('aborted long ago')]);
    await fs.write(`${jobFolder}/notes`, text('of a person'));
    await fs.write(`${jobFolder}/shared/notes`, text('of a person'));
    const pending = await targetFor(5).writeState('shared', [text('of a pending checkpoint')]);
    await new CheckpointCleaner(fs, jobFolder, silentLogger).collect([{ checkpointId: 4, files: fileNames(first) }]);
    const expected = [
      ...fileNames(first),
      'chk-4/_metadata',
      'notes',
      'shared/notes',
      (pending as { path: string }).path,
    ];
    expect((await filesIn(jobFolder)).sort()).toEqual(expected.sort());
    expect(await fs.stat(`${jobFolder}/chk-2`)).toBeUndefined();
  });

  test('discards an aborted checkpoint without touching its base', async () => {
    const base = await complete(4);
    const target = targetFor(5);
    const state = keyed(...sharedOf(base), await target.writeState('shared', [text('change since 4')]));
    const operatorState = await target.writeState('exclusive', [text('exclusive state')]);
    await new CheckpointCleaner(fs, jobFolder, silentLogger).discardAborted(5, [{ ...state, operatorState }]);
    expect((await filesIn(jobFolder)).sort()).toEqual([...fileNames(base), 'chk-4/_metadata'].sort());
    expect(await fs.stat(`${jobFolder}/chk-5`)).toBeUndefined();
  });

  test('deletes all checkpoints of a job that has ended, not what others put there', async () => {
    await complete(4);
    await complete(5);
    const cleaner = new CheckpointCleaner(fs, jobFolder, silentLogger);
    await fs.write(`${jobFolder}/chk-4/notes`, text('of a person'));
    await cleaner.deleteAll();
    expect(await filesIn(jobFolder)).toEqual(['chk-4/notes']);
    await fs.delete(`${jobFolder}/chk-4/notes`);
    await complete(6);
    await cleaner.deleteAll();
    expect(await filesIn(jobFolder)).toEqual([]);
  });

  test('deletes no file while a pointer to it cannot be deleted, and only logs that', async () => {
    const first = await complete(1);
    const second = await complete(2);
    const stubborn = new MemoryFileSystem({
      disk: fs.disk,
      tap: ({ name, path }) => {
        if (name === 'removeFile' && path.endsWith('_metadata')) {
          throw Object.assign(new Error('denied'), { code: 'EACCES' });
        }
      },
    });
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const completed = [first, second].map((metadata) => ({ ...retained(metadata), files: fileNames(metadata) }));
    await new CheckpointCleaner(stubborn, jobFolder, logger).retire({ completed, numRetained: 1, held: new Set() });
    await checkDataFiles(await readCheckpoint(`${jobFolder}/chk-1`, { locate }), locate);
    expect(warnings).toEqual([expect.stringContaining('cannot delete chk-1/_metadata of an old checkpoint')]);
  });
});
