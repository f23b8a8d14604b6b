import { expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { DiskTap } from '../../foundation/filesystem/memory/tapped-disk.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Leadership } from '../leadership.ts';
import { EmbeddedRecordStore } from './embedded-record-store.ts';
import { LedRecordStore } from './led-record-store.ts';
import { openStoreRoot } from './store-root.ts';
import { TransactionLog } from './transaction-log.ts';

let seed = 0;

const openLog = async (disk: MemoryDisk, tap?: DiskTap): Promise<TransactionLog> => {
  const random = seededRandom(++seed);
  const fs = new MemoryFileSystem({ disk, random, ...(tap === undefined ? {} : { tap }) });
  const root = await openStoreRoot({ fs, folder: '/ha', random, beforeCreation: async () => undefined });
  return TransactionLog.open({ ...root, clock: new ManualClock(), random, logger: silentLogger, snapshotInterval: 99 });
};

const claim = async (log: TransactionLog, instanceId: string): Promise<Leadership> => {
  const { expectedClaim: expected } = log.state;
  const endpoints = { instanceId, rpcAddress: '', restAddress: '' };
  await log.append({ kind: 'claim', endpoints, sessionId: instanceId, atMs: 0, expected, cause: 'suspected' });
  return log.state.claim!.leadership;
};

const put = (key: string, value: string) => [{ kind: 'put', key, value }] as const;

/** A leader whose calls of the disk are counted, and fail while `isAway`. */
const lead = async () => {
  const disk = new MemoryDisk(() => 1);
  const seen = { calls: 0, isAway: false };
  const log = await openLog(disk, () => {
    seen.calls++;
    if (seen.isAway) {
      throw Object.assign(new Error('away'), { code: 'EIO' });
    }
  });
  const leadership = await claim(log, 'one');
  const records = new EmbeddedRecordStore(log, () => undefined);
  return { disk, seen, log, leadership, led: new LedRecordStore(records, log, leadership) };
};

test('a leader reads what it and the leaders before it wrote without a look at the folder', async () => {
  const { led, seen, leadership } = await lead();
  await led.transact(leadership, put('jobs/a', '1'));
  const before = seen.calls;
  expect((await led.get('jobs/a'))?.value).toBe('1');
  expect((await led.list('jobs/')).map(({ key }) => key)).toEqual(['jobs/a']);
  await led.settle();
  expect(seen.calls).toBe(before);
});

test('after a write whose outcome is not known it looks (R2)', async () => {
  const { led, seen, leadership } = await lead();
  seen.isAway = true;
  expect((await led.transact(leadership, put('jobs/a', '1'))).outcome).toBe('undecided');
  await expect(led.get('jobs/a')).rejects.toMatchObject({ code: 'STORE_AWAY' });
  await expect(led.settle()).rejects.toMatchObject({ code: 'STORE_AWAY' });
  seen.isAway = false;
  await led.settle();
  const before = seen.calls;
  expect(await led.get('jobs/a')).toBeUndefined();
  expect(seen.calls).toBe(before);
});

test('what it knows of being deposed makes it look, and its changes are refused in any case (I1)', async () => {
  const { disk, led, log, leadership } = await lead();
  await led.transact(leadership, put('jobs/a', '1'));
  const other = await openLog(disk);
  const next = await claim(other, 'two');
  await new EmbeddedRecordStore(other, () => undefined).transact(next, put('jobs/a', '2'));
  expect((await led.get('jobs/a'))?.value).toBe('1');
  expect(await led.transact(leadership, put('jobs/a', '3'))).toEqual({ outcome: 'leadership-lost' });
  expect(log.state.leads(leadership.epoch)).toBe(false);
  expect((await led.get('jobs/a'))?.value).toBe('2');
});
