import { afterEach, expect, test } from 'vitest';
import { starts } from '../chaos/recount.mjs';
import { FourHosts, type ProcessName } from './four-hosts.ts';

let hosts: FourHosts | undefined;

afterEach(async () => {
  await hosts?.close();
  hosts = undefined;
});

const EXACT = { repeated: 0, missing: 0, unexpected: 0 };
/** It is stopped before. */
const COUNT = 1_000_000;

const IN_ORDER: readonly ProcessName[] = ['jobmanager-b', 'jobmanager-a', 'taskmanager-c', 'taskmanager-d'];

test('stopped and started in order: the job goes on, records travel between hosts, the output is exact', async () => {
  hosts = new FourHosts();
  const { cluster, work } = hosts;
  IN_ORDER.forEach((name) => hosts!.start(name));
  await hosts.registered(2);
  const jobId = await cluster.submit('counted.ts', work, String(COUNT), '10', '4');
  await hosts.checkpointed(jobId, 2);
  for (const name of IN_ORDER.toReversed()) {
    await cluster.kill(name, 'SIGTERM');
  }
  expect(cluster.running).toEqual([]);
  IN_ORDER.forEach((name) => hosts!.start(name));
  await hosts.cluster.until('the tasks run again', () => starts(work) >= 8);
  await hosts.checkpointed(jobId, 2);
  expect(await hosts.stopped(jobId)).toMatchObject(EXACT);
  expect(starts(work)).toBe(8);
});

test('started in the wrong order: whoever comes too early waits, says for what, and goes on', async () => {
  hosts = new FourHosts();
  const { cluster, work } = hosts;
  const waits = (name: ProcessName, pattern: RegExp): Promise<void> =>
    cluster.until(`${name} says what it waits for`, () => pattern.test(cluster.logOf(name)));
  hosts.start('taskmanager-d');
  hosts.start('taskmanager-c');
  await waits('taskmanager-d', /Waiting for the HA store: .*storage/);
  await waits('taskmanager-c', /Waiting for the HA store: .*storage/);
  hosts.start('jobmanager-b');
  await hosts.registered(2);
  hosts.start('jobmanager-a');
  await waits('jobmanager-a', /Standby: waiting for the leadership of 10\.231\.7\.2:6123 to end/);
  const jobId = await cluster.submit('counted.ts', work, String(COUNT), '10', '4');
  await hosts.checkpointed(jobId, 2);

  // JobManagers go first and come back last: TaskManagers that were started meanwhile wait for a leader.
  for (const name of IN_ORDER) {
    await cluster.kill(name, 'SIGTERM');
  }
  hosts.start('taskmanager-c');
  hosts.start('taskmanager-d');
  await waits('taskmanager-c', /aiting for .*leading JobManager/);
  await waits('taskmanager-d', /aiting for .*leading JobManager/);
  hosts.start('jobmanager-a');
  await cluster.until('the job waits for nothing any more', () => cluster.leader === 'jobmanager-a');
  hosts.start('jobmanager-b');
  await hosts.cluster.until('the tasks run again', () => starts(work) >= 8);
  await hosts.checkpointed(jobId, 2);
  expect(await hosts.stopped(jobId)).toMatchObject(EXACT);
});
