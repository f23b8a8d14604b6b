import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from './cluster-under-test.ts';
import { recount, starts } from './recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const EXACT = { repeated: 0, missing: 0, unexpected: 0 };

const finished = (jobId: string) => (): boolean =>
  cluster!.said(new RegExp(`\\(${jobId}\\) switched from state \\w+ to FINISHED`)).length > 0;

const completedCheckpoints = (jobId: string): number =>
  cluster!.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;

test('a leader that is killed again and again is replaced; no task is started anew, and the output is exact (I6, I9)', async () => {
  cluster = await ClusterUnderTest.start({ jobManagers: 3, taskManagers: 2 });
  const work = join(cluster.folder, 'work');
  mkdirSync(work);
  const count = 1_200;
  const jobId = await cluster.submit('counted.ts', work, String(count), '10', '3');
  for (let round = 0; round < 4; round++) {
    const before = completedCheckpoints(jobId);
    await cluster.until('a checkpoint completes', () => completedCheckpoints(jobId) > before || finished(jobId)());
    const leader = cluster.leader!;
    await cluster.kill(leader);
    await cluster.until('another one leads', () => cluster!.leader !== undefined);
    cluster.startProcess('jobmanager', leader);
  }
  await cluster.until('the job has finished', finished(jobId));
  expect(recount(work, count)).toEqual({ expected: count, committed: count, ...EXACT });
  expect(starts(work)).toBe(3);
});

test('a TaskManager that is killed: its tasks go on elsewhere from the newest checkpoint, and the output is exact', async () => {
  cluster = await ClusterUnderTest.start({ jobManagers: 1, taskManagers: 3, slots: 1 });
  const work = join(cluster.folder, 'work');
  mkdirSync(work);
  const count = 800;
  const jobId = await cluster.submit('counted.ts', work, String(count), '10', '2');
  await cluster.until('a checkpoint completes', () => completedCheckpoints(jobId) > 0);
  const before = starts(work);
  await cluster.kill('taskmanager-1');
  await cluster.kill('taskmanager-2');
  await cluster.until(
    'the job waits for a slot',
    () => cluster!.said(/waits: it needs \d slots?, 1 more than/).length > 0,
  );
  cluster.startProcess('taskmanager', 'taskmanager-1');
  await cluster.until('the job has finished', finished(jobId));
  expect(recount(work, count)).toEqual({ expected: count, committed: count, ...EXACT });
  expect(starts(work)).toBeGreaterThan(before);
});
