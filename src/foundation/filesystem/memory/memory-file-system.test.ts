import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { fileSystemContract } from '../file-system-contract.ts';
import { MemoryDisk } from './memory-disk.ts';
import { MemoryFileSystem } from './memory-file-system.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe('the contract', () => {
  for (const { name, run } of fileSystemContract) {
    test(name, () => run(new MemoryFileSystem(), '/case'));
  }
});

describe('a loss of power', () => {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);
  /** What may be left of what `work` does, over many losses of power. */
  const outcomes = async (work: (disk: MemoryDisk) => Promise<void>, path: string): Promise<Set<string>> => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const disk = new MemoryDisk(() => 1);
      await work(disk);
      disk.crash(seededRandom(seed));
      const after = new MemoryFileSystem({ disk });
      const entry = await after.stat(path);
      seen.add(entry === undefined ? 'absent' : new TextDecoder().decode(await after.read(path)).replaceAll('\0', '_'));
    }
    return seen;
  };
  const putFile = async (disk: MemoryDisk, path: string, content: string): Promise<void> => {
    const file = await disk.open(path, 'create');
    await file.write(text(content), 0);
  };

  test('keeps what the file system wrote, renamed, appended and deleted', async () => {
    for (const seed of seeds) {
      const fs = new MemoryFileSystem();
      await fs.write('/a/b/f', text('whole'));
      await fs.write('/a/c/once', text('once'), { ifAbsent: true });
      await fs.write('/a/old', text('moved'));
      await fs.rename('/a/old', '/d/new');
      const log = await fs.create('/e/log');
      await log.write(text('synced,'));
      await log.sync();
      await log.write(text('not synced'));
      await fs.write('/a/gone', text('x'));
      await fs.delete('/a/gone');
      await fs.write('/g/h/i', text('x'));
      await fs.deleteFolder('/g/h');
      fs.crash(seededRandom(seed));
      const after = new MemoryFileSystem({ disk: fs.disk });
      const read = async (path: string): Promise<string> => new TextDecoder().decode(await after.read(path));
      expect(await read('/a/b/f'), `seed ${seed}`).toBe('whole');
      expect(await read('/a/c/once'), `seed ${seed}`).toBe('once');
      expect(await read('/d/new'), `seed ${seed}`).toBe('moved');
      expect(await read('/e/log'), `seed ${seed}`).toMatch(/^synced,/);
      expect((await after.list('/a')).map((entry) => entry.name)).toEqual(['b', 'c']);
      expect(await after.list('/g')).toEqual([]);
      await expect(log.write(text('x')), 'a file of before the crash').rejects.toThrow('/e/log');
    }
  });

  test('may lose, cut or blank a file that was not synced', async () => {
    const seen = await outcomes((disk) => putFile(disk, '/f', 'sixteen letters.and some more'), '/f');
    expect(seen).toContain('absent');
    expect(seen).toContain('');
    expect(seen).toContain('sixteen letters.and some more');
    expect([...seen].some((content) => content.startsWith('________________'))).toBe(true);
    expect([...seen].some((content) => content.length > 0 && content.length < 29)).toBe(true);
  });

  test('may lose the entry of a synced file, but not its content', async () => {
    const seen = await outcomes(async (disk) => {
      const file = await disk.open('/f', 'create');
      await file.write(text('content'), 0);
      await file.sync();
    }, '/f');
    expect([...seen].sort()).toEqual(['absent', 'content']);
  });

  test('may undo a rename whose folder was not synced, and never leaves the name empty', async () => {
    const seen = await outcomes(async (disk) => {
      await putFile(disk, '/new', 'new');
      await putFile(disk, '/f', 'old');
      await (await disk.open('/new', 'change')).sync();
      await (await disk.open('/f', 'change')).sync();
      await disk.syncFolder('/');
      await disk.rename('/new', '/f');
    }, '/f');
    expect([...seen].sort()).toEqual(['new', 'old']);
  });

  test('may bring a deleted file back when the folder was not synced', async () => {
    const seen = await outcomes(async (disk) => {
      await new MemoryFileSystem({ disk }).write('/f', text('x'));
      await disk.removeFile('/f');
    }, '/f');
    expect([...seen].sort()).toEqual(['absent', 'x']);
  });

  test('loses a folder that was made without syncing the one above, with all that was synced in it', async () => {
    const seen = await outcomes(async (disk) => {
      await disk.makeFolder('/d');
      const file = await disk.open('/d/f', 'create');
      await file.write(text('x'), 0);
      await file.sync();
      await disk.syncFolder('/d');
    }, '/d/f');
    expect([...seen].sort()).toEqual(['absent', 'x']);
  });

  test('keeps the synced bytes of a file in front of those that were not', async () => {
    const seen = await outcomes(async (disk) => {
      const fs = new MemoryFileSystem({ disk });
      const file = await fs.create('/log');
      await file.write(text('synced'));
      await file.sync();
      await file.write(text(' and lost'));
    }, '/log');
    expect(seen.size).toBeGreaterThan(2);
    for (const content of seen) {
      expect(content.slice(0, 6)).toBe('synced');
    }
  });
});

test('a process that dies loses nothing that was written, flushed or not', async () => {
  const fs = new MemoryFileSystem();
  const file = await fs.create('/f');
  await file.write(text('written'));
  fs.disk.killProcess();
  await expect(file.write(text('more'))).rejects.toThrow('/f');
  expect(new TextDecoder().decode(await fs.read('/f'))).toBe('written');
});

test('forgets changes that nothing reaches, so that long runs do not grow', async () => {
  const fs = new MemoryFileSystem();
  for (let i = 0; i < 3000; i++) {
    await fs.write(`/job/chk-${i}/f`, text('x'));
    await fs.deleteFolder(`/job/chk-${i}`);
  }
  expect(fs.disk.unsyncedCount).toBeLessThan(2100);
});

test('writes to one folder at the same time share its flushes', async () => {
  let syncs = 0;
  const fs = new MemoryFileSystem({
    tap: (call) => {
      syncs += call.name === 'syncFolder' ? 1 : 0;
    },
  });
  await fs.makeFolder('/a');
  syncs = 0;
  await Promise.all(Array.from({ length: 100 }, (_, i) => fs.write(`/a/f${i}`, text('x'))));
  expect(syncs).toBeLessThan(10);
});
