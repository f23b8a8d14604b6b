import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';
import { DamagedFile } from '../damaged-file.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const graphOf = ({ jobId }: CountedJob): DamagedFile =>
  DamagedFile.beginning(join(cluster!.storage, jobId), 'submittedExecutionPlan-');

const newestCheckpointOf = ({ jobId }: CountedJob): DamagedFile =>
  DamagedFile.newestCheckpoint(join(cluster!.storage, 'checkpoints', jobId));

/** A new leader took it because the newest was broken. */
const FULL_AGAIN = /Checkpoint \d+ refers to no other one/;

/** Why jobs do not run, by their ids, as the command line lists it. */
const waiting = async (): Promise<ReadonlyMap<string, string>> => {
  const { stdout } = await cluster!.run('list');
  return new Map([...stdout.matchAll(/\((\w{32})\) waits: (.*)$/gm)].map(([, id = '', reason = '']) => [id, reason]));
};

test('what the disk has of two jobs is broken at a start: these stay down and say why, the third runs on; mended, they are taken up again', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 2, taskManagers: 3, slots: 1 });
  cluster = current;
  const names = ['graph', 'checkpoint', 'sound'];
  const jobs = await Promise.all(names.map((name) => CountedJob.submit(current, { name, parallelism: 1 })));
  const [graph, checkpoint, sound] = jobs as [CountedJob, CountedJob, CountedJob];
  await Promise.all(jobs.map((job) => job.checkpointed()));
  const before = current.running;
  await current.killAll();
  const damaged = new Map([
    [graph, graphOf(graph)],
    [checkpoint, newestCheckpointOf(checkpoint)],
  ]);
  before.forEach((name) => current.startAgain(name));
  await sound.started(2);
  await sound.checkpointed();

  const reasons = await waiting();
  expect(new Set(reasons.keys())).toEqual(new Set([graph.jobId, checkpoint.jobId]));
  for (const [{ jobId }, { path }] of damaged) {
    expect(reasons.get(jobId)).toContain(path);
    expect(await current.run('retry', jobId)).toMatchObject({ code: 1, stderr: expect.stringContaining(path) });
  }
  expect([graph.starts, checkpoint.starts, sound.starts]).toEqual([1, 1, 2]);

  for (const [{ jobId }, file] of damaged) {
    file.mend();
    expect(await current.run('retry', jobId)).toMatchObject({ code: 0, stdout: expect.stringContaining(jobId) });
  }
  await Promise.all(jobs.map((job) => job.finished()));
  expect(jobs.map(({ recounted }) => recounted)).toEqual(jobs.map(({ exact }) => exact));
  expect(jobs.map(({ starts }) => starts)).toEqual([2, 2, 2]);
  expect(jobs.map((job) => job.switchedTo('FAILED'))).toEqual([0, 0, 0]);
});

const breakNewestOf = (job: CountedJob): readonly DamagedFile[] =>
  DamagedFile.checkpointsFrom(join(cluster!.storage, 'checkpoints', job.jobId), Math.max(...job.completedCheckpoints));

test('the disk breaks under running jobs while nobody leads: their tasks go on, and none is started anew', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 1, taskManagers: 3, slots: 1 });
  cluster = current;
  const names = ['graph', 'checkpoint'];
  const jobs = await Promise.all(names.map((name) => CountedJob.submit(current, { name, parallelism: 1 })));
  const [graph, checkpoint] = jobs as [CountedJob, CountedJob];
  await Promise.all(jobs.map((job) => job.checkpointed(3)));
  await current.kill('jobmanager-1');
  const file = graphOf(graph);
  breakNewestOf(checkpoint);
  const signs = jobs.map(({ signsOfLife }) => signsOfLife);
  current.startAgain('jobmanager-1');
  await current.until('one is set aside', () => current.said(/ is set aside: /).length > 0);
  await current.until('the other has a new full checkpoint', () => current.said(FULL_AGAIN).length > 0);
  await current.until('their tasks go on', () => jobs.every((job, index) => job.signsOfLife > signs[index]! + 1));
  expect(current.said(/ is set aside: /)).toEqual([expect.stringContaining(graph.jobId)]);
  expect(jobs.map(({ starts }) => starts)).toEqual([1, 1]);

  file.mend();
  expect(await current.run('retry', graph.jobId)).toMatchObject({ code: 0 });
  // From the new checkpoint it starts as from any other.
  const host = current.running.find((name) => current.pidOf(name) === checkpoint.pid)!;
  await current.kill(host);
  await checkpoint.started(2);
  const [restored = 0] = checkpoint.restores;
  expect(current.said(FULL_AGAIN).some((line) => restored >= Number(/Checkpoint (\d+)/.exec(line)?.[1]))).toBe(true);
  await Promise.all(jobs.map((job) => job.finished()));
  expect(jobs.map(({ recounted }) => recounted)).toEqual(jobs.map(({ exact }) => exact));
  expect(jobs.map(({ starts }) => starts)).toEqual([1, 2]);
});

test('everything is killed and the newest checkpoint breaks: where an older one is allowed the job starts from that, and loses nothing', async () => {
  const current = await ClusterUnderTest.start({
    jobManagers: 1,
    taskManagers: 2,
    slots: 1,
    configuration: { 'execution.state-recovery.allow-older-checkpoint': 'true' },
  });
  cluster = current;
  const job = await CountedJob.submit(current, { parallelism: 2 });
  await job.checkpointed(3);
  const before = current.running;
  await current.killAll();
  const newest = Math.max(...job.completedCheckpoints);
  breakNewestOf(job);
  before.forEach((name) => current.startAgain(name));
  await job.started(4);
  expect(job.restores).toContain(newest - 1);
  expect(current.said(/ falls back to checkpoint /)).toEqual([
    expect.stringMatching(new RegExp(`output since checkpoint ${newest - 1}, .* is written again to "`)),
  ]);
  await job.finished();
  expect(job.recounted).toMatchObject({ missing: 0, unexpected: 0 });
});
