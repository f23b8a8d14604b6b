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

test('the disk breaks under running jobs while nobody leads: their tasks go on, and none is started anew', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 1, taskManagers: 2, slots: 1 });
  cluster = current;
  const names = ['graph', 'checkpoint'];
  const jobs = await Promise.all(names.map((name) => CountedJob.submit(current, { name, parallelism: 1 })));
  const [graph, checkpoint] = jobs as [CountedJob, CountedJob];
  await Promise.all(jobs.map((job) => job.checkpointed()));
  await current.kill('jobmanager-1');
  const files = [graphOf(graph), newestCheckpointOf(checkpoint)];
  current.startAgain('jobmanager-1');
  await current.until('both are set aside', () => current.said(/ is set aside: /).length === jobs.length);
  const signs = jobs.map(({ signsOfLife }) => signsOfLife);
  await current.until('their tasks go on', () => jobs.every((job, index) => job.signsOfLife > signs[index]! + 1));
  for (const [index, { jobId }] of jobs.entries()) {
    files[index]!.mend();
    expect(await current.run('retry', jobId)).toMatchObject({ code: 0 });
  }
  await Promise.all(jobs.map((job) => job.finished()));
  expect(jobs.map(({ recounted }) => recounted)).toEqual(jobs.map(({ exact }) => exact));
  expect(jobs.map(({ starts }) => starts)).toEqual([1, 1]);
});
