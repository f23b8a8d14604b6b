import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/protocol-version.ts';
import { BackgroundCluster } from '../background-cluster.ts';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';
import { installOtherVersion, OTHER_VERSION } from '../other-version.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
});

/** Clusters that `millrace cluster start` starts, with one `storageDir` for all of them. */
const background = (...names: readonly string[]): readonly BackgroundCluster[] => {
  const storage = mkdtempSync(join(tmpdir(), 'millrace-shared-'));
  cleanUps.push(() => rmSync(storage, { recursive: true, force: true }));
  const common = ['-D', 'high-availability.type=embedded', '-D', `high-availability.storageDir=${storage}`];
  return names.map((name) => {
    const own = ['-D', `high-availability.cluster-id=${name}`, '--jobmanagers', '2', '--taskmanagers', '2'];
    const cluster = new BackgroundCluster(...common, ...own);
    cleanUps.push(() => cluster.close());
    return cluster;
  });
};

const isWhole = async (cluster: BackgroundCluster): Promise<void> => {
  expect(await cluster.run('cluster', 'status')).toMatchObject({ code: 0 });
};

const jobsOf = async (cluster: BackgroundCluster): Promise<readonly string[]> =>
  [...(await cluster.run('list', '--all')).stdout.matchAll(/\b[0-9a-f]{32}\b/g)].map(([id]) => id);

test('a second cluster with the id of one that runs on the same directory is not started, and that one notices nothing', async () => {
  // With and without a `/` in front it is one name.
  const [first, second] = background('shared', '/shared') as [BackgroundCluster, BackgroundCluster];
  await first.start();
  const job = await CountedJob.submit(first);
  await job.checkpointed();

  await expect(second.start()).rejects.toThrow(
    /did not start \(1\):\s+millrace: another cluster runs on this HA store \(.*storageDir: .*cluster-id: shared\): its leader is at http:\S+\. [^\n]*\n$/,
  );
  expect(await second.run('cluster', 'stop')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('No cluster is started'),
  });
  expect(second.log).toBe('');

  await job.checkpointed();
  await job.finished();
  await isWhole(first);
  expect(job.recounted).toEqual(job.exact);
  expect([job.starts, first.said(/ WARN | ERROR /)]).toEqual([2, []]);
});

test('clusters with ids of their own share a directory: neither sees the jobs of the other, nor is stopped with it', async () => {
  const [first, second] = background('one', 'two') as [BackgroundCluster, BackgroundCluster];
  await first.start();
  const job = await CountedJob.submit(first);
  await second.start();
  const other = await CountedJob.submit(second);
  await Promise.all([job.checkpointed(), other.checkpointed()]);
  expect([await jobsOf(first), await jobsOf(second)]).toEqual([[job.jobId], [other.jobId]]);

  expect(await second.run('cluster', 'stop')).toMatchObject({ code: 0 });
  await isWhole(first);
  await job.checkpointed(2);
  await second.start();
  await other.checkpointed(2);
  expect([await jobsOf(first), await jobsOf(second)]).toEqual([[job.jobId], [other.jobId]]);

  await job.finished();
  expect(await first.run('cluster', 'stop')).toMatchObject({ code: 0 });
  await other.finished();
  await isWhole(second);
  expect([job.recounted, other.recounted]).toEqual([job.exact, other.exact]);
  expect([job.starts, other.starts]).toEqual([2, 4]);
});

test('TaskManagers of another version and of another cluster say so and end; no JobManager and no task notices', async () => {
  const cluster = await ClusterUnderTest.start({ jobManagers: 2, taskManagers: 2, slots: 1 });
  cleanUps.push(() => cluster.close());
  const before = cluster.running;
  const job = await CountedJob.submit(cluster);
  await job.checkpointed();
  const { leader } = cluster;
  const own = /JobManager (?<host>[\d.]+):(?<port>\d+) \(instance/.exec(cluster.logOf(leader!))!.groups!;

  const timeout = { 'taskmanager.registration.timeout': '6 s' };
  cluster.startProcess('taskmanager', 'newer', {
    program: installOtherVersion(join(cluster.folder, 'newer')),
    configuration: timeout,
  });
  cluster.startProcess('taskmanager', 'foreign', {
    configuration: {
      ...timeout,
      'high-availability.type': 'none',
      'high-availability.cluster-id': 'other',
      'jobmanager.rpc.address': own['host']!,
      'jobmanager.rpc.port': own['port']!,
    },
  });
  await cluster.until('both have given up', () => cluster.running.length === before.length);
  for (const name of ['newer', 'foreign']) {
    expect([name, cluster.exitCodeOf(name), /\n {4}at /.test(cluster.logOf(name))]).toEqual([name, 1, false]);
    expect(cluster.saidBy(name, /taskmanager\.registration\.timeout/).length).toBeGreaterThan(0);
  }
  for (const name of ['newer', leader!]) {
    const [refusal = ''] = cluster.saidBy(name, /processes of a cluster need the same protocol/);
    expect(refusal).toContain(`Millrace ${OTHER_VERSION}`);
    expect(refusal).toMatch(new RegExp(String.raw`this one \S+ \(protocol ${PROTOCOL_VERSION}\)`));
  }
  const clusters = /belongs to cluster 'other', this jobmanager to 'default'; set high-availability\.cluster-id/;
  expect(cluster.saidBy('foreign', clusters)).toHaveLength(1);
  expect(cluster.saidBy(leader!, clusters).length).toBeGreaterThan(0);

  expect([cluster.running, cluster.leader]).toEqual([before, leader]);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});
