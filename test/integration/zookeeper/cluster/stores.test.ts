import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectZooKeeper } from '../../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import type { ClusterUnderTest } from '../../../chaos/cluster-under-test.ts';
import { CountedJob } from '../../../chaos/counted-job.ts';
import { millrace } from '../../../cli/millrace-process.ts';
import { Ensemble } from '../ensemble.ts';
import { onZooKeeper, startCluster } from './cluster-on-zookeeper.ts';

let ensemble: Ensemble;
let clusters: ClusterUnderTest[] = [];

beforeAll(async () => {
  ensemble = await Ensemble.start();
});

afterEach(async () => {
  await Promise.all(clusters.map((cluster) => cluster.close()));
  clusters = [];
});

afterAll(() => ensemble.stop());

const started = async (configuration: Readonly<Record<string, string>>): Promise<ClusterUnderTest> => {
  const cluster = await startCluster(ensemble, { jobManagers: 2, taskManagers: 2, slots: 1, configuration });
  clusters.push(cluster);
  return cluster;
};

test("two clusters on one ensemble: each goes on through the other one's deaths", async () => {
  const shared = {
    'high-availability.zookeeper.path.root': onZooKeeper(ensemble)['high-availability.zookeeper.path.root']!,
  };
  const one = await started({ ...shared, 'high-availability.cluster-id': '/one' });
  const other = await started({ ...shared, 'high-availability.cluster-id': 'other' });
  const jobs = [await CountedJob.submit(one), await CountedJob.submit(other)];
  await Promise.all(jobs.map((job) => job.checkpointed()));
  await one.kill(one.leader!);
  await Promise.all(jobs.map((job) => job.checkpointed(2)));
  await one.killAll();
  await jobs[1]!.checkpointed(2);
  expect(other.said(/ was granted leadership /)).toHaveLength(1);
  await jobs[1]!.finished();
  expect(jobs[1]!.recounted).toEqual(jobs[1]!.exact);
  expect(jobs[1]!.starts).toBe(2);
});

test('the same cluster id with another storageDir is refused, and both are named', async () => {
  const configuration = onZooKeeper(ensemble);
  const cluster = await started(configuration);
  const elsewhere = await mkdtemp(join(tmpdir(), 'millrace-other-storage-'));
  const settings = { ...configuration, 'high-availability.storageDir': elsewhere, 'rest.port': '0' };
  const { code, stderr } = await millrace(
    ['jobmanager', ...Object.entries(settings).flatMap(([key, value]) => ['-D', `${key}=${value}`])],
    { cwd: cluster.folder },
  );
  expect(code).toBe(1);
  expect(stderr).toContain(`${elsewhere}/default`);
  expect(stderr).toContain(cluster.storage);
  expect(stderr).toMatch(/high-availability\.cluster-id/);
  await rm(elsewhere, { recursive: true });
});

test('what the ensemble held of a stopped cluster is deleted: it does not start from nothing, and is restored from the storage', async () => {
  const configuration = onZooKeeper(ensemble);
  const cluster = await started(configuration);
  const job = await CountedJob.submit(cluster);
  await job.checkpointed(2);
  const newest = Math.max(...job.completedCheckpoints);
  const names = cluster.running;
  await cluster.killAll(names);
  await deleteAll(configuration['high-availability.zookeeper.path.root']!);

  names.forEach((name) => cluster.startAgain(name));
  await cluster.until(
    'JobManagers refuse to begin anew',
    () =>
      cluster.said(/Waiting for the HA store: the HA store at \S+ in ZooKeeper is empty, but .* holds a job/).length >=
      2,
  );
  expect(job.starts).toBe(2);
  const restored = await cluster.run('ha restore', '--from-storage');
  expect(restored).toMatchObject({ code: 0 });
  await job.started(4);
  await job.finished();
  expect(Math.min(...job.restores)).toBeGreaterThanOrEqual(newest);
  expect(job.recounted).toEqual(job.exact);
});

const deleteAll = async (path: string): Promise<void> => {
  const client = connectZooKeeper({ connectString: ensemble.connectString, sessionTimeoutMs: 4_000 });
  const below = async (at: string): Promise<void> => {
    for (const name of (await client.children(at)).names) {
      await below(`${at}/${name}`);
    }
    await client.delete(at);
  };
  await below(path);
  await client.close();
};
