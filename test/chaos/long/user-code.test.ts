import { existsSync, mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { recount, starts } from '../recount.mjs';

const COUNT = 400;
const EXACT = { expected: COUNT, committed: COUNT, repeated: 0, missing: 0, unexpected: 0 };

let cluster: ClusterUnderTest;
/** The folder of a job in the other slot, which nothing may reach. */
let neighbour: string;
let neighbourId: string;

const newFolder = (): string => mkdtempSync(join(cluster.folder, 'work-'));

beforeAll(async () => {
  cluster = await ClusterUnderTest.start({
    jobManagers: 1,
    taskManagers: 1,
    slots: 2,
    configuration: {
      'taskmanager.memory.process.size': '400mb',
      'task.cancellation.interval': '100ms',
      'task.cancellation.timeout': '300ms',
    },
  });
  neighbour = newFolder();
  neighbourId = await cluster.submit('counted.ts', neighbour, '1000000', '10', '1');
  await cluster.until('the neighbour runs', () => starts(neighbour) === 1);
});

afterAll(async () => {
  await cluster.close();
});

const switched = (jobId: string, state: string) => (): boolean =>
  cluster.said(new RegExp(`\\(${jobId}\\) switched from state \\w+ to ${state}`)).length > 0;

const failures = (jobId: string): readonly string[] =>
  cluster.said(new RegExp(`\\(${jobId}/.* switched from \\w+ to FAILED`));

const completedCheckpoints = (jobId: string): number =>
  cluster.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;

/** The process lives, and the job in the other slot has noticed nothing: it goes on, its task was started once. */
const expectUnharmed = async (): Promise<void> => {
  const before = completedCheckpoints(neighbourId);
  await cluster.until('the neighbour goes on', () => completedCheckpoints(neighbourId) > before);
  expect(cluster.running).toEqual(['jobmanager-1', 'taskmanager-1']);
  expect(starts(neighbour)).toBe(1);
  expect(failures(neighbourId)).toEqual([]);
};

test.each([
  ['objects', /ran out of memory: it uses \d+ MiB of heap, more than|taskmanager\.memory\.process\.size leaves it/],
  [
    'buffers',
    /ran out of memory: its array buffers take \d+ MiB, more than|taskmanager\.memory\.process\.size leaves it/,
  ],
  ['exit', /exit code 7; user code may have called process\.exit/],
  ['uncaught error', /out of a timer/],
])('%s: the task fails, its process and the other slot do not; the job goes on, exactly', async (what, cause) => {
  const work = newFolder();
  const jobId = await cluster.submit('misbehaving.ts', what, work, String(COUNT));
  await cluster.until('the job has finished', switched(jobId, 'FINISHED'));
  expect(failures(jobId)).toEqual([expect.stringMatching(cause)]);
  expect(recount(work, COUNT)).toEqual(EXACT);
  await expectUnharmed();
});

test('a loop without end: its job can be cancelled, and its slot serves the next one', async () => {
  const work = newFolder();
  const jobId = await cluster.submit('misbehaving.ts', 'loop', work, String(COUNT));
  await cluster.until('it loops', () => existsSync(join(work, 'done')));
  expect((await cluster.run('cancel', jobId)).code).toBe(0);
  await cluster.until('the job is cancelled', switched(jobId, 'CANCELED'));
  const next = newFolder();
  const nextId = await cluster.submit('misbehaving.ts', 'nothing', next, String(COUNT));
  await cluster.until('the next job has finished', switched(nextId, 'FINISHED'));
  expect(recount(next, COUNT)).toEqual(EXACT);
  await expectUnharmed();
});

test('a timer that is never cleared ends with its job', async () => {
  const work = newFolder();
  const jobId = await cluster.submit('misbehaving.ts', 'timer', work, String(COUNT));
  await cluster.until('the job has finished', switched(jobId, 'FINISHED'));
  const ticks = (): number => statSync(join(work, 'ticks')).size;
  expect(ticks()).toBeGreaterThan(0);
  // Whatever runs in the slot next does so in a clean thread.
  const run = async (): Promise<void> => {
    const nextId = await cluster.submit('misbehaving.ts', 'nothing', newFolder(), '40');
    await cluster.until('the next job has finished', switched(nextId, 'FINISHED'));
  };
  await run();
  const before = ticks();
  await run();
  expect(ticks()).toBe(before);
  await expectUnharmed();
});
