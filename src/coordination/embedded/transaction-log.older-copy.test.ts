import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Transaction } from './log-entry.ts';
import { openStoreRoot } from './store-root.ts';
import { TransactionLog, type TransactionLogOptions } from './transaction-log.ts';

let disk: MemoryDisk;
let seed = 0;

beforeEach(() => {
  disk = new MemoryDisk(() => 1);
});

const open = async (
  options: Partial<Pick<TransactionLogOptions, 'snapshotInterval' | 'goesBack'>> = {},
): Promise<TransactionLog> => {
  const random = seededRandom(++seed);
  const fs = new MemoryFileSystem({ disk, random });
  const root = await openStoreRoot({ fs, folder: '/ha', random, beforeCreation: async () => undefined });
  const surroundings = { ...root, clock: new ManualClock(), random, logger: silentLogger };
  return TransactionLog.open({ ...surroundings, snapshotInterval: 4, ...options });
};

/** What the folder holds; puts it back. */
const copy = async (): Promise<() => Promise<void>> => {
  const fs = new MemoryFileSystem({ disk });
  const paths = ['/ha/root'];
  for (const folder of ['/ha/log', '/ha/snapshots']) {
    paths.push(...(await disk.readFolder(folder)).map((name) => `${folder}/${name}`));
  }
  const files = await Promise.all(paths.map(async (path) => ({ path, content: await fs.read(path) })));
  return async () => {
    await disk.removeTree('/ha');
    for (const { path, content } of files) {
      await fs.write(path, content);
    }
  };
};

const claim = (log: TransactionLog): Transaction => ({
  kind: 'claim',
  endpoints: { instanceId: 'a', rpcAddress: '', restAddress: '' },
  sessionId: '',
  atMs: 0,
  expected: log.state.expectedClaim,
  cause: 'vacant',
});

const put = (key: string, value: string): Transaction => ({
  kind: 'change',
  epoch: 1,
  changes: [{ kind: 'put', key, value }],
});

describe('an older copy of the folder is put back (R12)', () => {
  const grow = async (log: TransactionLog, by: number): Promise<void> => {
    for (let i = 0; i < by; i++) {
      await log.append(put(`k${i}`, String(log.state.number)));
    }
  };

  test('who may write does not go on', async () => {
    const log = await open({ snapshotInterval: 99 });
    await log.append(claim(log));
    const putBack = await copy();
    await grow(log, 3);
    await putBack();
    await expect(log.refresh()).rejects.toMatchObject({ code: 'STORE_BROKEN', message: /older than before/ });
  });

  test.each([
    ['before anybody writes again', 3, 0],
    ['when as much was written again', 3, 3],
    ['when more was written again', 3, 5],
    ['among snapshots', 30, 2],
    ['among snapshots, when more was written again', 30, 60],
  ])('who only reads goes on with that one: %s', async (_when, before, after) => {
    const writer = await open();
    await writer.append(claim(writer));
    await grow(writer, 2);
    const putBack = await copy();
    const reader = await open({ goesBack: true });
    let changes = 0;
    reader.watch(() => changes++);
    await grow(writer, before);
    await reader.refresh();
    await putBack();
    const next = await open();
    await grow(next, after);
    changes = 0;
    await reader.refresh();
    expect(reader.state.image()).toEqual(next.state.image());
    expect(changes).toBeGreaterThan(0);
    await grow(next, 1);
    await reader.refresh();
    expect(reader.state.image()).toEqual(next.state.image());
  });

  // Snapshots are made every four entries, so that the reader stands on one, before one, or behind the entries that are kept.
  test.each(['before it is copied', 'when it has grown'] as const)(
    'however far the store grew and grew again: read %s',
    async (readFirst) => {
      for (let before = 1; before <= 12; before++) {
        for (let after = 0; after <= 12; after++) {
          disk = new MemoryDisk(() => 1);
          const writer = await open();
          await writer.append(claim(writer));
          await grow(writer, 3);
          const early = await open({ goesBack: true });
          const putBack = await copy();
          await grow(writer, before);
          const reader = readFirst === 'when it has grown' ? await open({ goesBack: true }) : early;
          await reader.refresh();
          await putBack();
          const next = await open();
          await grow(next, after);
          await reader.refresh();
          expect({ before, after, read: reader.state.image() }).toEqual({ before, after, read: next.state.image() });
          await grow(next, 1);
          await reader.refresh();
          expect({ before, after, read: reader.state.image() }).toEqual({ before, after, read: next.state.image() });
        }
      }
    },
  );
});
