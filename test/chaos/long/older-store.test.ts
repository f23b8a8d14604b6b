import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';
import { FolderCopy } from '../folder-copy.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const jobManagers = (): readonly string[] => cluster!.running.filter((name) => name.startsWith('jobmanager-'));

const copyOf = (folder: string): Promise<FolderCopy> =>
  FolderCopy.take(join(cluster!.storage, folder), cluster!.folder);

/** All JobManagers are killed, and start again with what was in the folder before. */
const goBackTo = async (copy: FolderCopy): Promise<void> => {
  const names = jobManagers();
  await cluster!.killAll(names);
  await copy.putBack();
  names.forEach((name) => cluster!.startAgain(name));
};

const OLDER = /the HA store is older than what TaskManager taskmanager-\d has seen: checkpoint (\d+) was complete/;
const FULL_AGAIN = /Checkpoint (\d+) refers to no other one/;

test.each([
  ['the HA store alone', 'ha-store'],
  ['all that the cluster keeps', ''],
])(
  'an older copy of %s is put back under killed JobManagers: tasks go on, and a full checkpoint makes them safe',
  async (_what, folder) => {
    const current = await ClusterUnderTest.start({ jobManagers: 3, taskManagers: 3, slots: 1 });
    cluster = current;
    const job = await CountedJob.submit(current, { parallelism: 2, count: 40_000 });
    await job.checkpointed(3);
    const copy = await copyOf(folder);
    // A later epoch than the copy knows.
    const killed = current.leader!;
    await current.kill(killed);
    current.startAgain(killed);
    await job.checkpointed(4);
    const newest = Math.max(...job.completedCheckpoints);
    await goBackTo(copy);

    await current.until('it is said', () => current.said(OLDER).length > 0);
    await current.until('a full checkpoint is complete', () => current.said(FULL_AGAIN).length > 0);
    // The copy grants the epoch again that the killed leader had; it is raised as soon as a TaskManager tells of it, be the jobs read or not.
    expect(current.said(/ was granted leadership with leaderSessionID=\S+ \(epoch 2\)/)).toHaveLength(2);
    expect(current.said(/ leads with epoch 3,/).length).toBeGreaterThan(0);
    const signs = job.signsOfLife;
    await current.until('the tasks go on', () => job.signsOfLife > signs + 1);
    expect(job.starts).toBe(2);
    expect(job.restores).toEqual([]);
    const full = Number(FULL_AGAIN.exec(current.said(FULL_AGAIN)[0]!)![1]);
    expect(full).toBeGreaterThan(newest);

    // From the new checkpoint it starts as from any other.
    const host = current.running.find((name) => current.pidOf(name) === job.pid)!;
    await current.kill(host);
    await job.started(4);
    await job.finished();
    expect(Math.min(...job.restores)).toBeGreaterThanOrEqual(full);
    expect(job.recounted).toEqual(job.exact);
    expect(job.starts).toBe(4);
    expect(current.said(/ is set aside: /)).toEqual([]);
  },
);

test('and a TaskManager is killed with them: the job is set aside, until the newer copy is brought back', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 2, taskManagers: 3, slots: 1 });
  cluster = current;
  const job = await CountedJob.submit(current, { parallelism: 2, count: 40_000 });
  await job.checkpointed(3);
  const copy = await copyOf('');
  await job.checkpointed(4);
  const host = current.running.find((name) => current.pidOf(name) === job.pid)!;
  const names = jobManagers();
  await current.killAll([...names, host]);
  const newer = await copyOf('');
  await copy.putBack();
  names.forEach((name) => current.startAgain(name));
  await current.until('it is set aside', () => current.said(/ is set aside: the HA store is older than /).length > 0);
  expect(current.said(/ is set aside: /)[0]).toMatch(/bring the newer copy back .*; or set .*allow-older-checkpoint/);
  expect(job.starts).toBe(2);

  await goBackTo(newer);
  await job.started(4);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(4);
});

test('the copy is older than the job: its tasks are ended, and the log says so and what to go on from', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 1, taskManagers: 2, slots: 1 });
  cluster = current;
  const copy = await copyOf('ha-store');
  const job = await CountedJob.submit(current, { parallelism: 2, count: 40_000 });
  await job.checkpointed(3);
  await goBackTo(copy);
  const words = new RegExp(`there is no job ${job.jobId}; was an older copy .*its checkpoint (\\d+) was complete`);
  await current.until('both are told', () => current.said(words).length > 1);
  const completed = Number(words.exec(current.said(words)[0]!)![1]);
  const folder = join(current.storage, 'checkpoints', job.jobId, `chk-${completed}`);
  const next = await CountedJob.submit(current, { parallelism: 2, count: 40_000, flags: ['--fromSavepoint', folder] });
  await next.finished();
  expect(next.recounted).toEqual(next.exact);
});
