import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LeaderInformation } from '../../coordination/leadership.ts';
import { ClusterStorage } from '../../coordination/storage/cluster-storage.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { SharedStorageWatch } from './shared-storage-watch.ts';

const leader: LeaderInformation = {
  leadership: { lineage: 'l', epoch: 3, sessionId: 's', grantedAtMs: 0 },
  endpoints: { instanceId: 'jm', rpcAddress: 'jm:1', restAddress: 'http://jm:1' },
  isPublished: true,
  falseAlarms: 0,
};

test('a standby that does not see the files of the leader is not ready, and says so, until it does', async () => {
  const storage = new ClusterStorage(new MemoryFileSystem(), '/cluster', seededRandom(1));
  const clock = new ManualClock();
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (line: string) => void errors.push(line) };
  const watch = new SharedStorageWatch({ storage, clock, logger });
  await watch.leaderChanged(leader);
  expect(watch.sees).toBe(false);
  expect(errors).toEqual([expect.stringMatching(/not ready: .* is it the same file system\?/)]);
  await storage.marker.write(leader.leadership, 'jm');
  clock.advanceBy(10_000);
  await setImmediate();
  expect(watch.sees).toBe(true);
  watch.stop();
});
