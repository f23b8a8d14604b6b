import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ClusterUnderTest } from '../../../chaos/cluster-under-test.ts';
import { CountedJob } from '../../../chaos/counted-job.ts';
import { FolderCopy } from '../../../chaos/folder-copy.ts';
import { Ensemble } from '../ensemble.ts';
import { hostOf, startCluster } from './cluster-on-zookeeper.ts';

const SERVERS = [0, 1, 2];

let ensemble: Ensemble | undefined;
let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  await ensemble?.stop();
});

const OLDER = /the HA store is older than what TaskManager taskmanager-\d has seen: checkpoint (\d+) was complete/;
const FULL_AGAIN = /Checkpoint (\d+) refers to no other one/;

/** While no server runs. */
const whileDown = async <T>(act: () => Promise<T>): Promise<T> => {
  await Promise.all(SERVERS.map((server) => ensemble!.kill(server)));
  const value = await act();
  SERVERS.forEach((server) => ensemble!.restart(server));
  await ensemble!.serving();
  return value;
};

test('an older backup of the ensemble is put back under killed JobManagers: tasks go on, and a full checkpoint makes them safe', async () => {
  ensemble = await Ensemble.start();
  const current = await startCluster(ensemble, { jobManagers: 2, taskManagers: 3, slots: 1 });
  cluster = current;
  const place = await mkdtemp(join(tmpdir(), 'zk-backup-'));
  const job = await CountedJob.submit(current, { parallelism: 2, count: 40_000 });
  await job.checkpointed(2);
  const copies = await whileDown(() =>
    Promise.all(SERVERS.map((server) => FolderCopy.take(ensemble!.dataOf(server), place))),
  );
  // A later epoch than the copy knows.
  const killed = current.leader!;
  await current.kill(killed);
  current.startAgain(killed);
  await job.checkpointed(4);
  const newest = Math.max(...job.completedCheckpoints);
  const names = current.running.filter((name) => name.startsWith('jobmanager-'));
  await current.killAll(names);
  await whileDown(() => Promise.all(copies.map((copy) => copy.putBack())));
  names.forEach((name) => current.startAgain(name));

  await current.until('it is said', () => current.said(OLDER).length > 0);
  await current.until('a full checkpoint is complete', () => current.said(FULL_AGAIN).length > 0);
  const signs = job.signsOfLife;
  await current.until('the tasks go on', () => job.signsOfLife > signs + 1);
  expect(job.starts).toBe(2);
  expect(job.restores).toEqual([]);
  const full = Number(FULL_AGAIN.exec(current.said(FULL_AGAIN)[0]!)![1]);
  expect(full).toBeGreaterThan(newest);

  // From the new checkpoint it starts as from any other.
  await current.kill(hostOf(current, job.pid));
  await job.started(4);
  await job.finished();
  expect(Math.min(...job.restores)).toBeGreaterThanOrEqual(full);
  expect(job.recounted).toEqual(job.exact);
  await rm(place, { recursive: true });
});
