import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { DiskTap } from '../../foundation/filesystem/memory/tapped-disk.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Transaction } from './log-entry.ts';
import { openStoreRoot } from './store-root.ts';
import { TransactionLog } from './transaction-log.ts';

let disk: MemoryDisk;
let seed = 0;

beforeEach(() => {
  disk = new MemoryDisk(() => 1);
});

const open = async (tap?: DiskTap, snapshotInterval = 4): Promise<TransactionLog> => {
  const random = seededRandom(++seed);
  const fs = new MemoryFileSystem({ disk, random, ...(tap === undefined ? {} : { tap }) });
  const root = await openStoreRoot({ fs, folder: '/ha', random, beforeCreation: async () => undefined });
  return TransactionLog.open({ ...root, clock: new ManualClock(), random, logger: silentLogger, snapshotInterval });
};

const claim = (log: TransactionLog, instanceId = 'a'): Transaction => ({
  kind: 'claim',
  endpoints: { instanceId, rpcAddress: '', restAddress: '' },
  sessionId: '',
  atMs: 0,
  expected: log.state.expectedClaim,
  cause: 'vacant',
});

const put = (key: string, epoch = 1, value = 'v'): Transaction => ({
  kind: 'change',
  epoch,
  changes: [{ kind: 'put', key, value }],
});

const entries = async (): Promise<string[]> =>
  (await disk.readFolder('/ha/log')).map((name) => name.replace(/^0+/, '')).sort((a, b) => Number(a) - Number(b));
const snapshots = async (): Promise<number[]> =>
  (await disk.readFolder('/ha/snapshots')).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);

const damage = async (path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> => {
  const fs = new MemoryFileSystem({ disk });
  await fs.write(path, change(await fs.read(path)));
};
const flipLast = (bytes: Uint8Array): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  changed[changed.length - 3]! ^= 1;
  return changed;
};
const entryPath = (number: number): string => `/ha/log/${String(number).padStart(20, '0')}`;

describe('reading and writing', () => {
  test('what one process writes the other reads, and transactions that come together share an entry', async () => {
    const [one, two] = [await open(), await open()];
    await one.append(claim(one));
    const outcomes = await Promise.all(['x', 'y', 'z'].map((key) => one.append(put(key))));
    expect(outcomes.map((outcome) => outcome.kind === 'decided' && outcome.result.kind)).toEqual([
      'applied',
      'applied',
      'applied',
    ]);
    // The first found the log idle, the other two waited for it.
    expect(one.state.number).toBeLessThanOrEqual(3);
    expect(two.state.number).toBe(0);
    await two.refresh();
    expect(two.state.image()).toEqual(one.state.image());
  });

  test('who loses the race for a number reads on and decides anew', async () => {
    const [one, two] = [await open(), await open()];
    const [first, second] = await Promise.all([one.append(claim(one, 'a')), two.append(claim(two, 'b'))]);
    const results = new Set([first, second].map((outcome) => outcome.kind === 'decided' && outcome.result.kind));
    expect(results).toEqual(new Set(['applied', 'outdated']));
    await Promise.all([one.refresh(), two.refresh()]);
    expect(one.state.image()).toEqual(two.state.image());
    expect(one.state.epoch).toBe(1);
  });

  test('the log is bounded: two snapshots, and the entries after the older of them', async () => {
    const log = await open();
    await log.append(claim(log));
    for (let i = 2; i <= 41; i++) {
      await log.append(put(`k${i % 3}`));
    }
    await log.close();
    expect(await snapshots()).toEqual([36, 40]);
    expect(await entries()).toEqual(['37', '38', '39', '40', '41']);
    expect((await open()).state.image()).toEqual(log.state.image());
  });

  test('a closed log neither writes nor reads', async () => {
    const log = await open();
    await log.close();
    await expect(log.refresh()).rejects.toMatchObject({ code: 'STORE_AWAY' });
    expect(await log.append({ kind: 'nothing' })).toMatchObject({ kind: 'undecided' });
    expect((await open()).state.number).toBe(0);
  });
});

describe('making the store', () => {
  test('is finished by the next process where one stopped half way', async () => {
    const fs = new MemoryFileSystem({ disk });
    const first = await open();
    await first.close();
    const [snapshot] = await disk.readFolder('/ha/snapshots');
    // The root is there, the first snapshot not quite.
    await fs.rename(`/ha/snapshots/${snapshot}`, `/ha/snapshots/.${snapshot}.0123456789ab.tmp`);
    const random = seededRandom(1);
    const waits = openStoreRoot({ fs, folder: '/ha', random, beforeCreation: undefined });
    await expect(waits).rejects.toMatchObject({ code: 'STORE_AWAY', retryable: true });
    const second = await open();
    expect(second.state.lineage).toBe(first.state.lineage);
    expect(await second.append(claim(second))).toMatchObject({ result: { kind: 'applied' } });
  });

  test('by a process that dies before it has flushed anything does not cost another what it wrote', async () => {
    const random = seededRandom(1);
    const unflushing = new MemoryFileSystem({
      ...{ disk, random },
      tap: ({ name }) => (name === 'syncFolder' ? 'skip' : undefined),
    });
    await openStoreRoot({ fs: unflushing, folder: '/ha', random, beforeCreation: async () => undefined });
    const log = await open();
    await log.append(claim(log));
    disk.crash({ next: () => 0, int: () => 0, hex: () => '' });
    const after = await open();
    expect(after.state.image()).toEqual(log.state.image());
  });

  test('is refused where something speaks against it, unless another process has made it meanwhile (R12)', async () => {
    const fs = new MemoryFileSystem({ disk });
    const refuse = async (): Promise<void> => {
      throw new Error('there are jobs');
    };
    const random = seededRandom(1);
    const refused = openStoreRoot({ fs, folder: '/ha', random, beforeCreation: refuse });
    await expect(refused).rejects.toThrow('there are jobs');
    await expect(fs.names('/ha')).resolves.toEqual([]);
    const meanwhile = async (): Promise<void> => {
      await open();
      await refuse();
    };
    const { lineage } = await openStoreRoot({ fs, folder: '/ha', random, beforeCreation: meanwhile });
    expect((await openStoreRoot({ fs, folder: '/ha', random, beforeCreation: refuse })).lineage).toBe(lineage);
  });
});

describe('a process that slept across snapshots', () => {
  test('whose entry was on its way writes it at a number that was deleted: it does not count, and nobody reads it', async () => {
    let wake: () => void = () => undefined;
    let isToSleep = false;
    const slept = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const sleeper = await open();
    const awake = await open();
    await sleeper.append(claim(sleeper, 'sleeper'));
    // It decides to write number 2, and sleeps before it has written a byte until the others have gone far ahead.
    const openFile = disk.open.bind(disk);
    disk.open = async (path, mode) => {
      if (isToSleep && mode === 'create-new') {
        isToSleep = false;
        await slept;
      }
      return openFile(path, mode);
    };
    isToSleep = true;
    const late = sleeper.append(put('late'));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    await awake.refresh();
    await awake.append({ ...claim(awake, 'awake'), cause: 'suspected' } as Transaction);
    for (let i = 0; i < 20; i++) {
      await awake.append(put(`k${i}`, 2));
    }
    expect(await entries()).not.toContain('2');
    const leaders: unknown[] = [];
    sleeper.watch(() => leaders.push(sleeper.state.claim?.endpoints.instanceId));
    wake();
    expect(await late).toMatchObject({ kind: 'undecided' });
    expect(leaders).toEqual(['awake']);
    expect(await entries()).toContain('2');
    await sleeper.refresh();
    expect(sleeper.state.get('late')).toBeUndefined();
    expect(sleeper.state.image()).toEqual(awake.state.image());
    expect(await sleeper.append(put('late'))).toMatchObject({ result: { kind: 'leadership-lost' } });
    expect((await open()).state.image()).toEqual(awake.state.image());
  });

  test('and only reads goes on from the newest snapshot', async () => {
    const sleeper = await open();
    const awake = await open();
    await awake.append(claim(awake));
    for (let i = 0; i < 30; i++) {
      await awake.append(put(`k${i}`));
    }
    await sleeper.look();
    expect(sleeper.state.number).toBe(0);
    await sleeper.refresh();
    expect(sleeper.state.image()).toEqual(awake.state.image());
  });
});

test('entries are deleted only when the snapshots that make them superfluous are flushed, whoever wrote those', async () => {
  const log = await open();
  await log.append(claim(log));
  for (let i = 2; i <= 7; i++) {
    await log.append(put(`k${i}`));
  }
  await log.close();
  // Others write two more snapshots and are killed before they flush the folder.
  const other = await open(undefined, 1_000);
  const unflushing = new MemoryFileSystem({ disk, tap: ({ name }) => (name === 'syncFolder' ? 'skip' : undefined) });
  const theirs = await openStoreRoot({
    fs: unflushing,
    folder: '/ha',
    random: seededRandom(9),
    beforeCreation: undefined,
  });
  for (let i = 8; i <= 12; i++) {
    await other.append(put(`k${i}`));
    if (i % 4 === 0) {
      await theirs.folder.writeSnapshot(other.state.image());
    }
  }
  // The power fails when the entries are deleted and the older snapshots are not yet.
  const failing = new MemoryFileSystem({
    disk,
    tap: ({ name, path }) => {
      if (name === 'removeFile' && /snapshots\/0/.test(path)) {
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      }
    },
  });
  const own = await openStoreRoot({ fs: failing, folder: '/ha', random: seededRandom(10), beforeCreation: undefined });
  await expect(own.folder.collect()).rejects.toMatchObject({ code: 'STORE_AWAY' });
  expect(await entries()).toEqual(['9', '10', '11', '12']);
  // Nothing that was not flushed is left: the worst case.
  disk.crash({ next: () => 0, int: () => 0, hex: () => '' });
  const after = await open();
  expect(after.state.get('k8')).toBeDefined();
  expect(after.state.get('k12')).toBeDefined();
});

describe('bad disks', () => {
  test('an entry that is damaged stops who has not read it, with its name; who has goes on', async () => {
    const log = await open();
    await log.append(claim(log));
    await log.append(put('x'));
    const reader = await open();
    await log.append(put('y'));
    await damage(entryPath(3), flipLast);
    await expect(open()).rejects.toThrow(/0003 .*checksum does not match/);
    await expect(open()).rejects.toMatchObject({ code: 'STORE_BROKEN', retryable: false });
    await expect(reader.refresh()).rejects.toMatchObject({ code: 'STORE_BROKEN' });
    expect(reader.health).toMatchObject({ state: 'broken', error: { code: 'STORE_BROKEN' } });
    expect(await log.append(put('z'))).toMatchObject({ kind: 'decided', result: { kind: 'applied' } });
  });

  test.each([
    ['cut off', (bytes: Uint8Array) => bytes.subarray(0, 40), /bytes of/],
    ['empty', () => new Uint8Array(0), /cut off/],
    [
      'of a newer version',
      (bytes: Uint8Array) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt32LE(2, 12);
        return changed;
      },
      /checksum|version 2/,
    ],
  ])('an entry that is %s is an error that says so', async (_what, change, text) => {
    const log = await open();
    await log.append(claim(log));
    await damage(entryPath(1), change);
    await expect(open()).rejects.toThrow(text);
  });

  test('an entry that is missing before others is an error, not an end of the log', async () => {
    const log = await open();
    await log.append(claim(log));
    await log.append(put('x'));
    await log.append(put('y'));
    await disk.removeFile(entryPath(2));
    await expect(open()).rejects.toThrow(/0002 .*it is missing, and entry 3 follows/);
  });

  test('a newest snapshot that is damaged is made up for by the one before it and the log', async () => {
    const log = await open();
    await log.append(claim(log));
    for (let i = 2; i <= 14; i++) {
      await log.append(put(`k${i}`));
    }
    await log.close();
    expect(await snapshots()).toEqual([8, 12]);
    const [, newest] = (await disk.readFolder('/ha/snapshots')).toSorted();
    await damage(`/ha/snapshots/${newest}`, flipLast);
    expect((await open()).state.image()).toEqual(log.state.image());
  });

  test('a folder that is gone is away, and what is written in its place does not count', async () => {
    const log = await open();
    await log.append(claim(log));
    await disk.rename('/ha', '/unmounted');
    await expect(log.refresh()).rejects.toMatchObject({ code: 'STORE_AWAY', retryable: true });
    expect(await log.append(put('x'))).toMatchObject({ kind: 'undecided' });
    await disk.removeTree('/ha').catch(() => undefined);
    await disk.rename('/unmounted', '/ha');
    await log.refresh();
    expect(await log.append(put('x'))).toMatchObject({ kind: 'decided' });
    expect((await open()).state.image()).toEqual(log.state.image());
  });

  test('a folder that was replaced by another store is not written to any more', async () => {
    const log = await open();
    await log.append(claim(log));
    await disk.removeTree('/ha');
    const other = await open();
    await expect(log.refresh()).rejects.toMatchObject({ code: 'STORE_REPLACED' });
    expect(await log.append(put('x'))).toMatchObject({ kind: 'undecided' });
    await other.refresh();
    expect(other.state.get('x')).toBeUndefined();
  });

  test('a write whose answer is lost is undecided, and settled by a read (R2)', async () => {
    let failure: 'before' | 'after' | undefined;
    const log = await open(({ name }) => {
      if (failure !== undefined && name === (failure === 'before' ? 'link' : 'syncFolder')) {
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      }
    });
    await log.append(claim(log));
    failure = 'before';
    expect(await log.append(put('x'))).toMatchObject({ kind: 'undecided', error: { code: 'STORE_AWAY' } });
    expect(log.health.state).toBe('away');
    failure = undefined;
    await log.refresh();
    expect(log.state.get('x')).toBeUndefined();
    // Number 2 was taken, so that the lost write cannot appear there later.
    expect(log.state.number).toBe(2);
    failure = 'after';
    expect(await log.append(put('y'))).toMatchObject({ kind: 'undecided' });
    failure = undefined;
    await log.refresh();
    expect(log.state.get('y')).toBeDefined();
    expect(log.health).toEqual({ state: 'answers' });
  });
});

describe('a loss of power', () => {
  test('keeps what was said to be written, whatever else it keeps', async () => {
    for (let powerLoss = 0; powerLoss < 100; powerLoss++) {
      disk = new MemoryDisk(() => 1);
      const log = await open();
      await log.append(claim(log));
      const written = 3 + (powerLoss % 12);
      for (let i = 0; i < written; i++) {
        await log.append(put(`k${i}`));
      }
      void log.append(put('on its way'));
      disk.crash(seededRandom(powerLoss));
      const after = await open();
      for (let i = 0; i < written; i++) {
        expect(after.state.get(`k${i}`), `loss ${powerLoss}, k${i}`).toBeDefined();
      }
      expect(await after.append({ ...claim(after, 'b'), cause: 'expired' } as Transaction)).toMatchObject({
        result: { kind: 'applied' },
      });
    }
  });

  test('while the store is made leaves one that can be opened', async () => {
    for (let calls = 0; calls < 60; calls++) {
      disk = new MemoryDisk(() => 1);
      let left = calls;
      await open(() => {
        if (left-- === 0) {
          disk.crash(seededRandom(calls));
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        }
      }).catch(() => undefined);
      const log = await open();
      expect(await log.append(claim(log)), `after ${calls} calls`).toMatchObject({ result: { kind: 'applied' } });
    }
  });
});
