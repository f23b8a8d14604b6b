import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ClusterUnderTest } from '../../../chaos/cluster-under-test.ts';
import { CountedJob } from '../../../chaos/counted-job.ts';
import { expectHangingLeaderIsReplaced, HOLD_UP_ENV, holdUp } from '../../../chaos/hold-up.ts';
import { Ensemble } from '../ensemble.ts';
import { startCluster } from './cluster-on-zookeeper.ts';

let ensemble: Ensemble;
let cluster: ClusterUnderTest | undefined;

beforeAll(async () => {
  ensemble = await Ensemble.start();
});

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

afterAll(() => ensemble.stop());

const start = async (sessionMs: number): Promise<{ readonly current: ClusterUnderTest; readonly job: CountedJob }> => {
  const current = await startCluster(ensemble, {
    jobManagers: 2,
    taskManagers: 1,
    env: HOLD_UP_ENV,
    configuration: { 'high-availability.zookeeper.client.session-timeout': `${sessionMs} ms` },
  });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed();
  return { current, job };
};

test('a leader whose main thread is held up for longer than its session would last leads on', async () => {
  const sessionMs = 4_000;
  const { current, job } = await start(sessionMs);
  const leader = current.leader!;
  const sinceMs = performance.now();
  const letGo = await holdUp(current, leader);
  await current.until('its session would have ended', () => performance.now() - sinceMs > 1.5 * sessionMs);
  await letGo();
  await job.checkpointed(2);
  // It had no answers meanwhile, and may have looked whether it leads, and gone on under a higher epoch.
  expect(current.leader).toBe(leader);
  expect(current.saidBy(leader, /was revoked leadership .* \((?!raised)/)).toEqual([]);
  const others = current.running.filter((name) => name.startsWith('jobmanager') && name !== leader);
  expect(others.flatMap((name) => current.saidBy(name, /was granted leadership/))).toEqual([]);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});

test('a leader that hangs is replaced; let go, it is refused and stands by', async () => {
  const { current, job } = await start(1_000);
  await expectHangingLeaderIsReplaced(current, job);
});
