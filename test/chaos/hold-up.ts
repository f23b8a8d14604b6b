import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { CountedJob } from './counted-job.ts';
import { expectOneLeaderAtATime } from './one-leader-at-a-time.ts';

/** For the processes of a cluster whose main threads are to be held up. */
export const HOLD_UP_ENV = {
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('hold-up-hook.mjs', import.meta.url))}`,
};

/** The main thread of a process does nothing from now on. Returns what lets it go again. */
export const holdUp = async (cluster: ClusterUnderTest, name: string): Promise<() => Promise<void>> => {
  const path = join(cluster.folder, `hold-up-${cluster.pidOf(name)}`);
  writeFileSync(path, '');
  await cluster.until('it is held up', () => cluster.saidBy(name, /^held up/).length > 0);
  return async () => {
    rmSync(path);
    await cluster.until('it goes on', () => cluster.saidBy(name, /no longer held up/).length > 0);
  };
};

/** The leader hangs until another one leads; let go, it stands by, and the job of two tasks has noticed nothing. */
export const expectHangingLeaderIsReplaced = async (cluster: ClusterUnderTest, job: CountedJob): Promise<void> => {
  const leader = cluster.leader!;
  const pid = cluster.pidOf(leader);
  const letGo = await holdUp(cluster, leader);
  await cluster.until('another leads', () => cluster.leader !== undefined && cluster.leader !== leader);
  await job.checkpointed(2);
  expect(cluster.saidBy(leader, /no longer held up/)).toEqual([]);
  await letGo();
  await cluster.until(
    'it knows that it does not lead',
    () => cluster.saidBy(leader, /was revoked leadership/).length > 0,
  );
  await cluster.until('it serves as a standby', async () => {
    const jobs = JSON.stringify(await cluster.ask('/jobs/overview', leader).catch(String));
    return jobs.includes(job.jobId) && jobs.includes('RUNNING');
  });
  await job.checkpointed(2);
  expect(cluster.pidOf(leader)).toBe(pid);
  expect(cluster.running).toContain(leader);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
  expectOneLeaderAtATime(cluster);
};
