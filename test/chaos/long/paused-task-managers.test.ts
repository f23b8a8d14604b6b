import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';
import { StartedCluster } from '../started-cluster.ts';

let cluster: StartedCluster | ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
});

test('TaskManagers that are paused beyond the timeout of heartbeats, one after the other, and woken: each gives its slot back', async () => {
  const current = await StartedCluster.start({
    jobManagers: 1,
    taskManagers: 3,
    configuration: { 'heartbeat.interval': '300 ms', 'heartbeat.timeout': '2 s' },
  });
  cluster = current;
  // The second round needs the slot that the first victim had.
  const { code, stdout, stderr } = await current.run(
    ...['drill', '--kill', 'taskmanager', '--action', 'pause', '--pause-for', '3s', '--rounds', '3', '--every', '1s'],
  );
  expect({ code, stdout }, `it said:\n${stderr}\n${current.logOf('jobmanager-1')}`).toEqual({
    code: 0,
    stdout: expect.stringContaining('Verdict: green'),
  });
});

test('a TaskManager that is woken when its tasks run elsewhere starts clean, and no file of theirs is left when the job has ended (I13)', async () => {
  const current = await ClusterUnderTest.start({
    jobManagers: 1,
    taskManagers: 3,
    slots: 1,
    configuration: { 'heartbeat.interval': '300 ms', 'heartbeat.timeout': '2 s' },
  });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed();
  const paused = current.running.find((name) => current.pidOf(name) === job.pid)!;
  current.signal(paused, 'SIGSTOP');
  await job.started(4);
  await job.checkpointed();
  current.signal(paused, 'SIGCONT');
  const registrations = new RegExp(`TaskManager ${paused} .* with 1 slot`);
  await current.until('it has registered again', () => current.said(registrations).length > 1);
  await job.checkpointed();
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(readdirSync(join(job.folder, 'out')).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(current.running).toContain(paused);
});
