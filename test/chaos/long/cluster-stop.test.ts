import { afterEach, expect, test } from 'vitest';
import { BackgroundCluster } from '../background-cluster.ts';
import { CountedJob } from '../counted-job.ts';

let cluster: BackgroundCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const PROCESSES = ['--jobmanagers', '2', '--taskmanagers', '2'];
/** Longer than any test. */
const NEVER_MS = 3_600_000;

test('a stopped cluster goes on at its next start from a checkpoint of that moment, without one from the newest there is', async () => {
  cluster = new BackgroundCluster(...PROCESSES);
  await cluster.start();
  const job = await CountedJob.submit(cluster, { interval: NEVER_MS });
  await job.started(2);
  expect(await cluster.run('cluster', 'stop')).toMatchObject({
    code: 0,
    stdout: 'Cluster stopped.\n',
    stderr: `Taking a checkpoint of job spread (${job.jobId}) ...\n`,
  });
  expect(job.completedCheckpoints).toEqual([1]);

  await cluster.start();
  await job.started(4);
  expect(job.restores).toEqual([1]);
  expect((await cluster.run('cluster', 'stop', '--no-checkpoint')).stderr).toBe('');
  expect(job.completedCheckpoints).toEqual([1]);

  await cluster.start();
  await job.started(6);
  expect(job.restores).toEqual([1, 1]);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect([job.starts, job.switchedTo('FAILED'), job.switchedTo('CANCELED')]).toEqual([6, 0, 0]);
});

test('a cluster that is stopped with its jobs ends each with a savepoint, and says how each is continued', async () => {
  cluster = new BackgroundCluster(...PROCESSES);
  await cluster.start();
  const names = ['one', 'two'];
  const jobs: CountedJob[] = [];
  for (const name of names) {
    jobs.push(await CountedJob.submit(cluster, { name, parallelism: 1 }));
  }
  await Promise.all(jobs.map((job) => job.checkpointed()));
  const stopped = await cluster.run('cluster', 'stop', '--stop-jobs');
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringMatching(/Cluster stopped\.\n$/) });
  const savepoints = [...stopped.stdout.matchAll(/Continue with: millrace run --fromSavepoint (\S+) <job file>/g)].map(
    ([, path = '']) => path,
  );
  expect(savepoints).toHaveLength(2);

  await cluster.start();
  const { stdout } = await cluster.run('list', '--all');
  jobs.forEach(({ jobId }) => expect(stdout).toMatch(new RegExp(`${jobId} +FINISHED`)));
  const continued: CountedJob[] = [];
  for (const [index, name] of names.entries()) {
    const path = savepoints.find((candidate) => candidate.includes(`savepoint-${jobs[index]!.jobId.slice(0, 6)}-`));
    continued.push(
      await CountedJob.submit(cluster, { name, parallelism: 1, flags: ['--fromSavepoint', path ?? 'none of it'] }),
    );
  }
  await Promise.all(continued.map((job) => job.finished()));
  expect(continued.map(({ recounted }) => recounted)).toEqual(continued.map(({ exact }) => exact));
  expect(jobs.map(({ starts }) => starts)).toEqual([2, 2]);
});

test('who does not have the token of a cluster can end its processes, and is told how', async () => {
  cluster = new BackgroundCluster(...PROCESSES, '-D', 'security.rest.auth-token=0123456789abcdef');
  await cluster.start();
  expect(await cluster.run('cluster', 'stop')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /wants a token; set security\.rest\.auth-token .*; with --no-checkpoint the processes/,
    ),
  });
  expect((await cluster.run('cluster', 'status')).stdout).not.toContain('dead');
  expect(await cluster.run('cluster', 'stop', '--no-checkpoint')).toMatchObject({
    code: 0,
    stdout: 'Cluster stopped.\n',
    stderr: expect.stringMatching(/^WARN ending the processes without asking: this cluster wants a token/),
  });
});
