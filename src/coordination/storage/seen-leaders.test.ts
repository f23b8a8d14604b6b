import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { LeaderRetrieval } from '../leader-retrieval.ts';
import type { LeaderInformation } from '../leadership.ts';
import { ClusterStorage } from './cluster-storage.ts';
import { SeenLeaders } from './seen-leaders.ts';

const leaderOf = (epoch: number): LeaderInformation => ({
  leadership: { lineage: 'l', epoch, sessionId: `s${epoch}`, grantedAtMs: 0 },
  endpoints: { instanceId: 'jm', rpcAddress: 'jm:1', restAddress: 'http://jm:1' },
  isPublished: true,
  falseAlarms: 0,
});

class Named implements LeaderRetrieval {
  current: LeaderInformation | undefined = leaderOf(3);
  #listener: (leader: LeaderInformation | undefined) => void = () => {};

  async read(): Promise<LeaderInformation | undefined> {
    return this.current;
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): { end(): void } {
    this.#listener = listener;
    listener(this.current);
    return { end: () => {} };
  }

  next(leader: LeaderInformation): void {
    this.current = leader;
    this.#listener(leader);
  }
}

const start = () => {
  const storage = new ClusterStorage(new MemoryFileSystem(), '/cluster', seededRandom(1));
  const clock = new ManualClock();
  const log: string[] = [];
  const note = (line: string): void => void log.push(line);
  const retrieval = new Named();
  const logger = { debug: note, info: note, warn: note, error: note };
  const seen = new SeenLeaders({ retrieval, marker: storage.marker, clock, logger });
  const told: (number | undefined)[] = [];
  const subscription = seen.watch((leader) => told.push(leader?.leadership.epoch));
  return { storage, clock, log, retrieval, seen, told, subscription };
};

test('a process that does not see the files of the leader is told of none, and says why once; then of all', async () => {
  const { storage, clock, log, retrieval, seen, told } = start();
  await expect(seen.read()).rejects.toMatchObject({ code: 'STORE_AWAY', retryable: true });
  for (let second = 0; second < 5; second++) {
    clock.advanceBy(1_000);
    await setImmediate();
  }
  expect([told, seen.current]).toEqual([[], undefined]);
  expect(log).toEqual([
    expect.stringMatching(/not ready.* does not see the leader's files under \/cluster: is it the same file system\?/),
  ]);

  await storage.marker.write(leaderOf(3).leadership, 'jm');
  clock.advanceBy(1_000);
  await setImmediate();
  expect(told).toEqual([3]);
  expect(seen.current).toBe(retrieval.current);

  // Its marker is not there: a storage that is away now is no reason to be without a leader.
  retrieval.next(leaderOf(4));
  expect(told).toEqual([3, 4]);
  expect(await seen.read()).toBe(retrieval.current);
});

test('nobody is told after the end', async () => {
  const { storage, clock, told, subscription } = start();
  await setImmediate();
  subscription.end();
  await storage.marker.write(leaderOf(3).leadership, 'jm');
  clock.advanceBy(1_000);
  await setImmediate();
  expect([told, clock.timerCount]).toEqual([[], 0]);
});
