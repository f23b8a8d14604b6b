import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

/** What `millrace rescale` says of the vertices: the first word of the name, before, now. */
const vertices = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/^(\w+).*? {2,}([\d-]+) +([\d-]+)$/gm)].map((columns) => columns.slice(1).join(' '));

test('a job is rescaled from 2 to 4, to 1 and to 2 while leaders die in the middle of it: the output is exact', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 3, taskManagers: 3 });
  cluster = current;
  const job = await CountedJob.submit(current, { count: 20_000, parallelism: 2 });
  await job.started(2);
  await job.checkpointed();

  const up = await current.run('rescale', job.jobId, '--parallelism', '4');
  expect(up).toMatchObject({ code: 0 });
  expect(vertices(up.stdout)).toEqual(['numbers 2 2', 'keyedProcess 2 4', 'files 2 4']);
  await job.started(2 + 4);

  const rescaling = (): number => current.said(new RegExp(`Rescaling job spread \\(${job.jobId}\\)`)).length;
  const before = rescaling();
  const down = current.run('rescale', job.jobId, '--parallelism', '1');
  await current.until('the job has another graph', () => rescaling() > before);
  const killed = current.leader!;
  await current.kill(killed);
  current.startAgain(killed);
  const { code, stdout, stderr } = await down;
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(stdout).toContain('runs with this parallelism');
  await job.checkpointed();

  const checkpoints = (): number => current.said(/Triggering checkpoint/).length;
  const triggered = checkpoints();
  const again = current.run('rescale', job.jobId, '--parallelism', '2');
  await current.until('a checkpoint is under way', () => checkpoints() > triggered && current.leader !== undefined);
  await current.kill(current.leader!);
  expect(await again).toMatchObject({ code: 0 });
  const same = await current.run('rescale', job.jobId, '--parallelism', '2');
  expect(vertices(same.stdout)).toEqual(['numbers 2 2', 'keyedProcess 2 2', 'files 2 2']);

  await job.finished();
  expect(job.recounted).toEqual(job.exact);
});
