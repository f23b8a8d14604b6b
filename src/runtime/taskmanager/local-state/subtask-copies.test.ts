import { beforeEach, describe, expect, test } from 'vitest';
import type { Logger } from '../../../foundation/common/logger.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { Disk } from '../../../foundation/filesystem/disk/disk.ts';
import type { MemoryDisk } from '../../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { tappedDisk, type DiskCall } from '../../../foundation/filesystem/memory/tapped-disk.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { createCheckpointTarget, type DiscardableTarget } from '../../checkpoint/checkpoint-target.ts';
import { createStateReader } from '../../checkpoint/state-reader.ts';
import type { FileStateHandle } from '../../state/state-handle.ts';
import { createLocalFirstReader } from './local-first-reader.ts';
import { LocalStateDisk } from './local-state-disk.ts';
import { SubtaskCopies } from './subtask-copies.ts';

const JOB = 'job';
const LOCAL = '/local/instance';
const STORAGE = '/storage/job';
const random = seededRandom(1);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

let clock: ManualClock;
let disk: MemoryDisk;
let fs: MemoryFileSystem;
let log: string[];
/** What the local disk does before a call; throws what the system would. */
let onCall: (call: DiskCall) => void;
let copies: SubtaskCopies;

const logger: Logger = {
  ...silentLogger,
  info: (message) => void log.push(`info ${message}`),
  warn: (message) => void log.push(`warn ${message}`),
};

/** `linked`: the storage is on the same disk. */
const open = (linked: boolean): SubtaskCopies => {
  const tapped: Disk = tappedDisk(disk, (call) => onCall(call));
  const local = new LocalStateDisk({
    disk: tapped,
    folders: [LOCAL],
    linkedScheme: linked ? 'memory' : 'none',
    clock,
    logger,
  });
  return new SubtaskCopies(local, JOB, 'v-0', logger);
};

beforeEach(async () => {
  clock = new ManualClock();
  fs = new MemoryFileSystem({ random });
  disk = fs.disk;
  log = [];
  onCall = () => {};
  copies = open(false);
  await fs.makeFolder('/local');
});

const target = (checkpointId: number, kind: 'checkpoint' | 'savepoint' = 'checkpoint'): DiscardableTarget =>
  createCheckpointTarget(fs, {
    folder: STORAGE,
    checkpointId,
    kind,
    inlineThresholdBytes: 0,
    tag: 'v_0_1_1',
    random,
    copies,
  });

const write = async (checkpointId: number, text: string): Promise<FileStateHandle> => {
  const handle = await target(checkpointId).writeState('shared', [bytesOf(text.slice(0, 2)), bytesOf(text.slice(2))]);
  return handle as FileStateHandle;
};

const restore = async (...handles: FileStateHandle[]) => {
  const reader = createLocalFirstReader(
    { reader: createStateReader(fs, STORAGE), scheme: 'memory', folder: STORAGE },
    copies,
    true,
  );
  const contents: string[] = [];
  for (const handle of handles) {
    contents.push(new TextDecoder().decode(await reader.read(handle)));
  }
  return { contents, ...reader.restored };
};

const folder = `${LOCAL}/${JOB}/v-0`;
const copiesThere = async (): Promise<readonly string[]> => fs.names(folder);
const nameOf = ({ path }: FileStateHandle): string => path.slice('shared/'.length);

describe.each([{ linked: false }, { linked: true }])('copies (linked: $linked)', ({ linked }) => {
  beforeEach(() => {
    copies = open(linked);
  });

  test('are read instead of the storage', async () => {
    const chain = [await write(1, 'full state'), await write(2, 'changes')];
    expect(await copiesThere()).toEqual(chain.map(nameOf).toSorted());
    copies = open(linked);
    await fs.deleteFolder(STORAGE);
    expect(await restore(...chain)).toEqual({ contents: ['full state', 'changes'], local: 17, storage: 0 });
    expect(log).toEqual([]);
  });

  test('one that is missing is read from the storage, the others are not', async () => {
    const chain = [await write(1, 'full state'), await write(2, 'changes')];
    await fs.delete(`${folder}/${nameOf(chain[0]!)}`);
    expect(await restore(...chain)).toEqual({ contents: ['full state', 'changes'], local: 7, storage: 10 });
    // It is kept for the next time.
    copies = open(linked);
    expect(await restore(...chain)).toMatchObject({ local: 17, storage: 0 });
  });

  test('of another checkpoint with the same number are never used', async () => {
    const other = await write(5, 'of a job that went another way');
    const own = { ...other, path: `shared/v_0_1_1-5-${random.hex(16)}` };
    await fs.write(`${STORAGE}/${own.path}`, bytesOf('of this checkpoint, same length'.slice(0, own.sizeBytes)));
    const { crc32 } = await import('node:zlib');
    const handle = { ...own, checksum: crc32(await fs.read(`${STORAGE}/${own.path}`)) };
    const found = await restore(handle);
    expect(found).toMatchObject({ local: 0, storage: handle.sizeBytes });
    expect(found.contents[0]).toMatch(/^of this checkpoint/);
    expect(log).toEqual([]);
  });

  test('of what a restore does not name go', async () => {
    const [first, second] = [await write(1, 'one'), await write(2, 'two')];
    copies = open(linked);
    await copies.restored([first]);
    expect(await copiesThere()).toEqual([nameOf(first)]);
    await copies.restored([]);
    expect(await copiesThere()).toEqual([]);
    expect(await fs.read(`${STORAGE}/${second.path}`)).toEqual(bytesOf('two'));
  });

  test('go when their checkpoint is subsumed or aborted', async () => {
    const acknowledge = async (id: number): Promise<FileStateHandle> => {
      const handle = await write(id, `state of ${id}`);
      const segments = [{ handle, full: true, checkpointId: id }];
      copies.acknowledged(id, { op: { keyed: [{ keyGroupStart: 0, keyGroupEnd: 1, backendId: 'b', segments }] } });
      return handle;
    };
    await acknowledge(1);
    copies.completed(1);
    const second = await acknowledge(2);
    copies.completed(2);
    await acknowledge(3);
    copies.givenUp((id) => id === 3);
    await expect.poll(copiesThere).toEqual([nameOf(second)]);
  });

  test('go with a checkpoint that is given up while it is written', async () => {
    const discarded = target(1);
    await discarded.writeState('shared', [bytesOf('state')]);
    await discarded.discard();
    expect(await copiesThere()).toEqual([]);
  });

  test('are not made of a savepoint', async () => {
    await target(1, 'savepoint').writeState('shared', [bytesOf('state')]);
    expect(await copiesThere()).toEqual([]);
  });

  test('come back in a folder that somebody deleted under way', async () => {
    const first = await write(1, 'one');
    await fs.deleteFolder('/local');
    const second = await write(2, 'two');
    expect(log).toEqual([]);
    expect(await restore(first, second)).toEqual({ contents: ['one', 'two'], local: 3, storage: 3 });
  });
});

test('a copy that is damaged is told, removed, and read from the storage', async () => {
  const [first, second] = [await write(1, 'full state'), await write(2, 'changes')];
  await fs.write(`${folder}/${nameOf(first)}`, bytesOf('full stale'));
  await fs.write(`${folder}/${nameOf(second)}`, bytesOf('chan'));
  expect(await restore(first, second)).toEqual({ contents: ['full state', 'changes'], local: 0, storage: 17 });
  expect(log).toEqual([
    expect.stringMatching(/^warn the local copy \/local.* is damaged; the state is read from the storage/),
    expect.stringMatching(/^warn the local copy/),
  ]);
});

test('a copy that cannot be read is told, and read from the storage', async () => {
  const handle = await write(1, 'state');
  onCall = ({ name }) => {
    if (name === 'read') {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    }
  };
  expect(await restore(handle)).toEqual({ contents: ['state'], local: 0, storage: 5 });
  expect(log[0]).toMatch(/^warn cannot read \/local.*I\/O error/);
});

test.each(['ENOSPC', 'EACCES', 'EROFS'])(
  '%s fails no checkpoint, is told once, and tried again later',
  async (code) => {
    onCall = ({ name }) => {
      if (name === 'write' || name === 'makeFolder') {
        throw Object.assign(new Error(code), { code });
      }
    };
    const handles = [await write(1, 'one'), await write(2, 'two')];
    clock.advanceBy(60_000);
    handles.push(await write(3, 'three'));
    expect(log).toEqual([expect.stringMatching(/^warn cannot keep a local copy .*checkpoints go on without copies$/)]);
    expect(await copiesThere()).toEqual([]);
    onCall = () => {};
    handles.push(await write(4, 'four'));
    expect(await copiesThere()).toEqual([]);
    clock.advanceBy(60_000);
    handles.push(await write(5, 'five'));
    expect(log.slice(1)).toEqual([expect.stringMatching(/^info local copies of state can be written/)]);
    expect(await restore(...handles)).toMatchObject({ local: 4, storage: 15 });
  },
);

test('where a link cannot be made, the bytes are written a second time', async () => {
  copies = open(true);
  onCall = ({ name }) => {
    if (name === 'link') {
      throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' });
    }
  };
  const handles = [await write(1, 'one'), await write(2, 'two')];
  expect(await restore(...handles)).toMatchObject({ local: 6, storage: 0 });
  expect(log).toEqual([]);
});

test('a storage that fails leaves no copy', async () => {
  copies = open(true);
  const failing = new MemoryFileSystem({
    disk,
    random,
    tap: ({ name }) => {
      if (name === 'sync') {
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      }
    },
  });
  const options = { folder: STORAGE, checkpointId: 1, kind: 'checkpoint', inlineThresholdBytes: 0 } as const;
  const aborted = createCheckpointTarget(failing, { ...options, tag: 'v', random, copies });
  await expect(aborted.writeState('shared', [bytesOf('state')])).rejects.toMatchObject({ code: 'FILESYSTEM' });
  await aborted.discard();
  expect(await copiesThere()).toEqual([]);
});
