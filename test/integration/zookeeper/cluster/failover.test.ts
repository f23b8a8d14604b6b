import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ClusterOptions, ClusterUnderTest } from '../../../chaos/cluster-under-test.ts';
import { CountedJob } from '../../../chaos/counted-job.ts';
import { Ensemble, LONG_SESSIONS } from '../ensemble.ts';
import { hostOf, startCluster as startOn } from './cluster-on-zookeeper.ts';

let ensemble: Ensemble;
let cluster: ClusterUnderTest | undefined;

beforeAll(async () => {
  ensemble = await Ensemble.start({ config: LONG_SESSIONS });
});

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

afterAll(() => ensemble.stop());

const startCluster = (options: ClusterOptions, sessionTimeout = '4 s'): Promise<ClusterUnderTest> =>
  startOn(ensemble, {
    ...options,
    configuration: { 'high-availability.zookeeper.client.session-timeout': sessionTimeout, ...options.configuration },
  });

const GRANTED = / JobManager (\S+) was granted leadership /;

const grants = (): number => cluster!.said(GRANTED).length;

/** Nobody else took over, no task started anew, and the output is exact. */
const wasCalm = async (job: CountedJob): Promise<void> => {
  const leaders = cluster!.said(GRANTED).map((line) => GRANTED.exec(line)?.[1]);
  expect(new Set(leaders).size).toBe(1);
  expect(job.restores).toEqual([]);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
};

test('leaders are killed, then a TaskManager: tasks go on, what is lost goes on elsewhere, the output is exact', async () => {
  const current = await startCluster({ jobManagers: 3, taskManagers: 3, slots: 1 });
  cluster = current;
  const job = await CountedJob.submit(current);
  for (const round of [1, 2]) {
    await job.checkpointed(2);
    const killed = current.leader!;
    await current.kill(killed);
    await current.until('another one leads', () => current.leader !== undefined && current.leader !== killed);
    await job.checkpointed();
    expect(grants()).toBe(round + 1);
    current.startAgain(killed);
  }
  expect(job.starts).toBe(2);
  expect(job.restores).toEqual([]);
  await current.kill(hostOf(current, job.pid));
  await job.started(4);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(4);
  expect(Math.min(...job.restores)).toBeGreaterThan(0);
});

test('a ZooKeeper server is killed, the leader of the ensemble, and each one after the other restarted: nothing happens', async () => {
  // The ensemble elects, and the leader finds another server, within its session, however busy the machine is.
  cluster = await startCluster({ jobManagers: 2, taskManagers: 2, slots: 1 }, '10 s');
  const job = await CountedJob.submit(cluster);
  await job.checkpointed();
  const leader = await ensemble.leader();
  await ensemble.kill(leader);
  await job.checkpointed(2);
  ensemble.restart(leader);
  await ensemble.serving();
  for (let server = 0; server < ensemble.size; server++) {
    await ensemble.kill(server);
    await job.checkpointed();
    ensemble.restart(server);
    await ensemble.serving();
  }
  expect(grants()).toBe(1);
  await wasCalm(job);
});

test('each ZooKeeper server is frozen for longer than it takes its fellows to give it up: the same one leads, all tasks go on', async () => {
  cluster = await startCluster({ jobManagers: 2, taskManagers: 2, slots: 1 });
  const job = await CountedJob.submit(cluster);
  await job.checkpointed();
  for (let server = 0; server < ensemble.size; server++) {
    ensemble.pause(server);
    // Eight seconds and more: the limit of the ensemble is one, the session lasts four.
    await job.checkpointed(12);
    ensemble.resume(server);
    await ensemble.serving();
  }
  await wasCalm(job);
});

test('most of the ensemble is away: tasks go on and nothing is committed, until it is back', async () => {
  const current = await startCluster({ jobManagers: 2, taskManagers: 2, slots: 1 });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed(2);
  await ensemble.kill(0);
  await ensemble.kill(1);
  const [signs, checkpoints] = [job.signsOfLife, job.completedCheckpoints.length];
  const { committed } = job.recounted;
  await current.until('the tasks go on for a while', () => job.signsOfLife > signs + 40);
  // One may have been under way.
  expect(job.completedCheckpoints.length).toBeLessThanOrEqual(checkpoints + 1);
  expect(job.recounted.committed).toBeGreaterThanOrEqual(committed);
  await current.until(
    'somebody says so',
    () => current.said(/ZooKeeper (?:does not answer|cannot be reached)/).length > 0,
  );
  ensemble.restart(0);
  ensemble.restart(1);
  await ensemble.serving();
  await job.checkpointed(2);
  expect(job.restores).toEqual([]);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});

test('the host of the leader is lost, and a ZooKeeper server with it', async () => {
  const current = await startCluster({ jobManagers: 2, taskManagers: 2, slots: 1 });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed(2);
  const lost = current.leader!;
  current.signal(lost, 'SIGSTOP');
  ensemble.pause(0);
  await current.until('another one leads', () => grants() === 2);
  await job.checkpointed(2);
  ensemble.resume(0);
  current.signal(lost, 'SIGCONT');
  await current.until('who led hears of it', () => current.saidBy(lost, / was revoked leadership /).length > 0);
  await job.finished();
  expect(job.restores).toEqual([]);
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});

test('everything is killed at once, the ensemble too: the job goes on from its newest checkpoint', async () => {
  const current = await startCluster({ jobManagers: 2, taskManagers: 2, slots: 1 });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed(3);
  const newest = Math.max(...job.completedCheckpoints);
  const names = current.running;
  await Promise.all([current.killAll(names), ...[0, 1, 2].map((server) => ensemble.kill(server))]);
  // TaskManagers first, the ensemble last: whoever is too early waits, and says for what.
  names.toReversed().forEach((name) => current.startAgain(name));
  await current.until(
    'all say what they wait for',
    () => current.said(/Waiting for the HA store: ZooKeeper /).length >= 4,
  );
  [0, 1, 2].forEach((server) => ensemble.restart(server));
  await ensemble.serving();
  await job.started(4);
  await job.finished();
  expect(Math.min(...job.restores)).toBeGreaterThanOrEqual(newest);
  expect(job.recounted).toEqual(job.exact);
});
