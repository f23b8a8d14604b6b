import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';
import { freePort } from '../free-port.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const registrations = (): number => cluster!.said(/ registered with \d+ slot/).length;

test('without HA a JobManager that dies loses its jobs: TaskManagers end their tasks, stay, and work for the next; a checkpoint resumes by hand', async () => {
  const checkpoints = 'execution.checkpointing.dir';
  const current = await ClusterUnderTest.start({
    jobManagers: 1,
    taskManagers: 2,
    slots: 1,
    configuration: {
      'high-availability.type': 'none',
      'jobmanager.rpc.port': String(await freePort()),
      'rest.port': String(await freePort()),
      'rest.address': '127.0.0.1',
      'heartbeat.timeout': '2 s',
      [checkpoints]: 'kept',
    },
  });
  cluster = current;
  const job = await CountedJob.submit(current);
  expect(job.notes).toMatch(/A crash of the JobManager loses this job .*--fromSavepoint/);
  await job.checkpointed();
  const { jobId } = job;
  await current.kill('jobmanager-1');
  const taskManagers = current.running;
  const before = registrations();
  current.startAgain('jobmanager-1');
  await current.until('the TaskManagers are back', () => registrations() === before + 2);
  expect(current.running).toEqual(['jobmanager-1', ...taskManagers]);
  expect((await current.run('list', '--all')).stdout).not.toContain(jobId);

  const folder = join(current.folder, 'kept', jobId);
  const [newest] = readdirSync(folder)
    .filter((name) => name.startsWith('chk-'))
    .toSorted((a, b) => Number(b.slice(4)) - Number(a.slice(4)));
  const resumed = await CountedJob.submit(current, { flags: ['--fromSavepoint', join(folder, newest!)] });
  await resumed.finished();
  expect(resumed.recounted).toEqual(resumed.exact);
  expect(resumed.starts).toBe(4);
});

test('HA without checkpoints: a failover keeps the tasks and their state, a full stop begins anew, a lost TaskManager fails the job', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 2, taskManagers: 2, slots: 1 });
  cluster = current;
  const [kept, anew] = [
    await CountedJob.submit(current, { name: 'kept', parallelism: 1, interval: 'off' }),
    await CountedJob.submit(current, { name: 'anew', parallelism: 1, interval: 'off' }),
  ];
  expect(kept.notes).toContain('a failover of the JobManager keeps the tasks, and so their state');
  expect(kept.notes).toContain('The loss of a TaskManager fails this job');
  expect(kept.notes).toContain('A stop and start of the whole cluster runs this job from the beginning');
  await Promise.all([kept.started(1), anew.started(1)]);
  const { leader } = current;
  await current.kill(leader!);
  await current.until('another one leads', () => current.leader !== undefined);
  await kept.finished();
  expect(kept.recounted).toEqual(kept.exact);
  expect(kept.starts).toBe(1);

  current.startAgain(leader!);
  const names = current.running;
  await current.killAll();
  names.forEach((name) => current.startAgain(name));
  await anew.started(2);
  expect(anew.restores).toEqual([]);
  await current.kill(names.find((name) => current.pidOf(name) === anew.pid)!);
  await current.until('the job has failed', () => anew.switchedTo('FAILED') > 0);
  expect((await current.run('list', '--all')).stdout).toMatch(new RegExp(`${anew.jobId} +FAILED`));
});
