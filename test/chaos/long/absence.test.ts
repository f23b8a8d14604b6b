import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { openings, progress, recount, starts } from '../recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const PARALLELISM = 4;
const KEYS = 40;
const COUNT = 100_000;
const EXACT = { expected: COUNT, committed: COUNT, repeated: 0, missing: 0, unexpected: 0 };

/** A cluster with a job that has a completed checkpoint. */
const start = async (jobManagers: number, configuration: Readonly<Record<string, string>> = {}) => {
  const current = await ClusterUnderTest.start({ jobManagers, taskManagers: 2, configuration });
  cluster = current;
  const work = join(current.folder, 'work');
  mkdirSync(work);
  const jobId = await current.submit('spread.ts', ...[work, COUNT, 5, PARALLELISM, KEYS, 500].map(String));
  const completed = (): number => current.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;
  const names = Array.from({ length: jobManagers }, (_, index) => `jobmanager-${index + 1}`);
  await current.until('a checkpoint completes', () => completed() > 0);
  return {
    current,
    work,
    killAll: () => Promise.all(names.map((name) => current.kill(name))),
    startAll: () => names.forEach((name) => current.startProcess('jobmanager', name)),
    /** Of every task, after now. */
    workGoesOn: async (): Promise<void> => {
      const sinceMs = Date.now();
      const subtasks = (): number =>
        new Set(progress(work).flatMap(({ subtask, atMs }) => (atMs > sinceMs ? [subtask] : []))).size;
      await current.until('all tasks go on', () => subtasks() === PARALLELISM);
    },
    /** Another checkpoint completes, then the input ends. */
    finish: async (): Promise<void> => {
      const before = completed();
      await current.until('a checkpoint completes', () => completed() > before);
      writeFileSync(join(work, 'hurry'), '');
      await current.until(
        'the job has finished',
        () => current.said(new RegExp(`\\(${jobId}\\) switched from state \\w+ to FINISHED`)).length > 0,
      );
    },
  };
};

test('all JobManagers are killed: tasks go on; started again in time, nothing is started anew', async () => {
  const { work, killAll, startAll, workGoesOn, finish } = await start(3);
  await killAll();
  await workGoesOn();
  startAll();
  await finish();
  expect(recount(work, COUNT, KEYS)).toEqual(EXACT);
  expect(starts(work)).toBe(PARALLELISM);
});

test('all JobManagers are away beyond the limit: tasks are cancelled, and the job resumes from the newest checkpoint', async () => {
  const { current, work, killAll, startAll, finish } = await start(3, {
    'taskmanager.leader-absence.timeout': '2 s',
  });
  await killAll();
  await current.until(
    'both TaskManagers cancel their tasks',
    () => current.said(/No leader for 2000 ms .*: all tasks are cancelled/).length === 2,
  );
  startAll();
  await finish();
  expect(recount(work, COUNT, KEYS)).toEqual(EXACT);
  expect(starts(work)).toBe(2 * PARALLELISM);
  expect(current.said(/Restoring job \w+ from checkpoint \d+/)).toHaveLength(1);
});

test('the only JobManager is killed and started again after five seconds: nothing is started anew', async () => {
  const { current, work, killAll, startAll, workGoesOn, finish } = await start(1);
  await killAll();
  await sleep(5_000);
  await workGoesOn();
  startAll();
  await finish();
  expect(recount(work, COUNT, KEYS)).toEqual(EXACT);
  expect(starts(work)).toBe(PARALLELISM);
  expect(new Set(openings(work).map(({ pid }) => pid)).size).toBe(2);
  expect(current.running).toContain('jobmanager-1');
});
