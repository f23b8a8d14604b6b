import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';
import { expectHangingLeaderIsReplaced, HOLD_UP_ENV, holdUp } from '../hold-up.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const start = async (leaseMs: number): Promise<{ readonly current: ClusterUnderTest; readonly job: CountedJob }> => {
  const current = await ClusterUnderTest.start({
    jobManagers: 2,
    taskManagers: 1,
    env: HOLD_UP_ENV,
    configuration: { 'high-availability.embedded.lease-duration': `${leaseMs} ms` },
  });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed();
  return { current, job };
};

/** The numbers of the entries in the HA store. */
const newestEntry = (current: ClusterUnderTest): number =>
  Math.max(...readdirSync(join(current.storage, 'ha-store', 'log')).map((name) => Number(/^\d+$/.exec(name) ?? 0)));

test('a leader whose main thread is held up for longer than its lease leads on, and no task is started anew', async () => {
  const leaseMs = 8_000;
  const { current, job } = await start(leaseMs);
  const leader = current.leader!;
  const sinceMs = performance.now();
  const letGo = await holdUp(current, leader);
  const before = newestEntry(current);
  await current.until('its lease would have ended', () => performance.now() - sinceMs > 1.4 * leaseMs);
  expect(newestEntry(current)).toBeGreaterThan(before);
  await letGo();
  await job.checkpointed(2);
  expect(current.saidBy(leader, /held up for more than \d+ ms: another thread renewed its lease/)).not.toEqual([]);
  expect(current.said(/was revoked leadership|stops acting/)).toEqual([]);
  expect(current.said(/was granted leadership/)).toHaveLength(1);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});

test('a leader that hangs is replaced; let go, it is refused and stands by', async () => {
  const { current, job } = await start(1_000);
  await expectHangingLeaderIsReplaced(current, job);
});
