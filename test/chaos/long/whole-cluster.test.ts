import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const registrations = (): number => cluster!.said(/ registered with \d+ slot/).length;

/** All processes that were running end in the same instant and come again, in this order. */
const powerLoss = async (order: (names: readonly string[]) => readonly string[]): Promise<void> => {
  const names = cluster!.running;
  const before = registrations();
  await cluster!.killAll(names);
  for (const name of order(names)) {
    cluster!.startAgain(name);
  }
  const taskManagers = names.filter((name) => name.startsWith('taskmanager')).length;
  await cluster!.until('all TaskManagers are back', () => registrations() >= before + taskManagers);
};

test('everything killed at once, three times: every job resumes by itself from its newest checkpoint, and the output is exact', async () => {
  cluster = await ClusterUnderTest.start({
    jobManagers: 2,
    taskManagers: 3,
    slots: 1,
    // Whoever waited for a TaskManager that is gone would wait longer than the test.
    configuration: { 'jobmanager.reconcile.timeout': '10 min' },
  });
  const jobs = [
    await CountedJob.submit(cluster, { name: 'one', parallelism: 2 }),
    await CountedJob.submit(cluster, { name: 'two', parallelism: 1 }),
  ];
  const orders: ((names: readonly string[]) => readonly string[])[] = [
    (names) => names,
    // TaskManagers come first, and wait.
    (names) => names.toReversed(),
    (names) => names,
  ];
  for (const order of orders) {
    await Promise.all(jobs.map((job) => job.checkpointed(2)));
    const newest = jobs.map((job) => Math.max(...job.completedCheckpoints));
    const restores = jobs.map((job) => job.restores.length);
    await powerLoss(order);
    await cluster.until('both jobs were restored', () =>
      jobs.every((job, index) => job.restores.length > restores[index]!),
    );
    jobs.forEach((job, index) => expect(Math.max(...job.restores)).toBeGreaterThanOrEqual(newest[index]!));
  }
  await Promise.all(jobs.map((job) => job.finished()));
  expect(jobs.map(({ recounted }) => recounted)).toEqual(jobs.map(({ exact }) => exact));
  expect(jobs.map(({ starts }) => starts)).toEqual([8, 4]);
  expect(jobs.map((job) => job.switchedTo('FAILED'))).toEqual([0, 0]);
});

test('the leader and a TaskManager die in the same instant, then a standby and a TaskManager: only what was lost is restarted', async () => {
  cluster = await ClusterUnderTest.start({
    jobManagers: 3,
    taskManagers: 5,
    slots: 1,
    configuration: { 'jobmanager.reconcile.timeout': '10 min' },
  });
  const jobs = [
    await CountedJob.submit(cluster, { name: 'one', parallelism: 1 }),
    await CountedJob.submit(cluster, { name: 'two', parallelism: 1 }),
  ];
  const victims = [(): string => cluster!.leader!, (): string => standby(cluster!)];
  for (const [round, jobManager] of victims.entries()) {
    await Promise.all(jobs.map((job) => job.checkpointed()));
    const victim = jobs[round]!;
    const startsBefore = jobs.map(({ starts }) => starts);
    const lost = [jobManager(), cluster.running.find((name) => cluster!.pidOf(name) === victim.pid)!];
    await cluster.killAll(lost);
    await cluster.until('the lost tasks run again', () => victim.starts > startsBefore[round]!);
    lost.forEach((name) => cluster!.startAgain(name));
  }
  await Promise.all(jobs.map((job) => job.finished()));
  expect(jobs.map(({ recounted }) => recounted)).toEqual(jobs.map(({ exact }) => exact));
  expect(jobs.map(({ starts }) => starts)).toEqual([2, 2]);
});

const standby = ({ running, leader }: ClusterUnderTest): string =>
  running.find((name) => name.startsWith('jobmanager') && name !== leader)!;
