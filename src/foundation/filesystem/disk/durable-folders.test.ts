import { expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { MemoryDisk } from '../memory/memory-disk.ts';
import { MemoryFileSystem } from '../memory/memory-file-system.ts';
import type { Disk } from './disk.ts';
import { DurableFolders } from './durable-folders.ts';

/** A disk whose flushes end when the test says so; the number of each call shows their order. */
const slowDisk = (disk: Disk): { disk: Disk; syncs: { path: string; end: (error?: Error) => void }[] } => {
  const syncs: { path: string; end: (error?: Error) => void }[] = [];
  const syncFolder = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      syncs.push({ path, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  return {
    syncs,
    disk: {
      ...{ open: disk.open.bind(disk), stat: disk.stat.bind(disk), readFolder: disk.readFolder.bind(disk) },
      ...{ makeFolder: disk.makeFolder.bind(disk), rename: disk.rename.bind(disk), link: disk.link.bind(disk) },
      ...{ removeFile: disk.removeFile.bind(disk), removeTree: disk.removeTree.bind(disk), syncFolder },
    },
  };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a flush that began before a call does not count for it; those that wait share one', async () => {
  const { disk, syncs } = slowDisk(new MemoryDisk(() => 1));
  const folders = new DurableFolders(disk);
  const done: string[] = [];
  void folders.sync('/a').then(() => done.push('first'));
  void folders.sync('/a').then(() => done.push('second'));
  void folders.sync('/a').then(() => done.push('third'));
  await turn();
  expect(syncs.map(({ path }) => path)).toEqual(['/a']);
  syncs[0]!.end();
  await turn();
  expect(done).toEqual(['first']);
  expect(syncs).toHaveLength(2);
  void folders.sync('/a').then(() => done.push('fourth'));
  syncs[1]!.end();
  await turn();
  expect(done).toEqual(['first', 'second', 'third']);
  syncs[2]!.end();
  await turn();
  expect(done.at(-1)).toBe('fourth');
  expect(syncs).toHaveLength(3);
});

test('a flush that fails is an error for those who waited for it, and only for them', async () => {
  const { disk, syncs } = slowDisk(new MemoryDisk(() => 1));
  const folders = new DurableFolders(disk);
  const first = folders.sync('/a');
  const second = folders.sync('/a');
  syncs[0]!.end(new Error('no flush'));
  await expect(first).rejects.toThrow('no flush');
  await turn();
  syncs[1]!.end();
  await second;
});

test('a folder that another process made and did not flush is flushed before it is relied upon', async () => {
  for (let seed = 0; seed < 100; seed++) {
    const disk = new MemoryDisk(() => 1);
    await disk.makeFolder('/a');
    await disk.makeFolder('/a/b');
    await new MemoryFileSystem({ disk }).write('/a/b/f', Buffer.from('kept'));
    disk.crash(seededRandom(seed));
    const content = await new MemoryFileSystem({ disk }).read('/a/b/f');
    expect(Buffer.from(content).toString(), `seed ${seed}`).toBe('kept');
  }
});

test('folders that were flushed once are not flushed again, unless they were deleted', async () => {
  let syncs = 0;
  const fs = new MemoryFileSystem({
    tap: ({ name }) => {
      syncs += name === 'syncFolder' ? 1 : 0;
    },
  });
  await fs.write('/a/b/c/f', Buffer.from('x'));
  syncs = 0;
  await fs.write('/a/b/c/g', Buffer.from('x'));
  expect(syncs).toBe(1);
  await fs.deleteFolder('/a/b');
  syncs = 0;
  await fs.write('/a/b/c/f', Buffer.from('x'));
  expect(syncs).toBe(3);
});

test('a folder that somebody else deleted is made again', async () => {
  const disk = new MemoryDisk(() => 1);
  const fs = new MemoryFileSystem({ disk });
  await fs.write('/a/b/f', Buffer.from('x'));
  await new MemoryFileSystem({ disk }).deleteFolder('/a');
  await fs.write('/a/b/f', Buffer.from('y'));
  expect(Buffer.from(await fs.read('/a/b/f')).toString()).toBe('y');
});

test('R5: a folder that is there while the disk goes away is no name that is taken', async () => {
  const disk = new MemoryDisk(() => 1);
  await disk.makeFolder('/a');
  const away = Object.assign(new Error('away'), { code: 'EIO' });
  const stat = (): Promise<never> => Promise.reject(away);
  await expect(new DurableFolders({ ...slowDisk(disk).disk, stat }).make('/a')).rejects.toBe(away);
});
