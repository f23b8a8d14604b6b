import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { openings, recount, starts } from '../recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const PARALLELISM = 15;
const KEYS = 60;
const COUNT = 30_000;

test('TaskManagers die one after the other until slots are missing; the job says so, waits, and goes on exactly', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 3, taskManagers: 10, slots: 2, atOnce: 3 });
  cluster = current;
  const work = join(current.folder, 'work');
  mkdirSync(work);
  const jobId = await current.submit('spread.ts', ...[work, COUNT, 50, PARALLELISM, KEYS, 1_000].map(String));
  const completed = (): number => current.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;
  /** Where each subtask is, once all have started so often. */
  const placesAfter = async (times: number): Promise<readonly (string | undefined)[]> => {
    await current.until(`all tasks have started ${times} times`, () => starts(work) >= times * PARALLELISM);
    const names = new Map(current.running.map((name) => [current.pidOf(name), name]));
    const newest = new Map(openings(work).map(({ subtask, pid }) => [subtask, names.get(pid)]));
    return Array.from({ length: PARALLELISM }, (_, subtask) => newest.get(subtask));
  };
  await current.until('a checkpoint completes', () => completed() > 0);

  let before = await placesAfter(1);
  let victim = before.find((name, subtask) => before.indexOf(name) !== subtask)!;
  const killed: string[] = [];
  for (let times = 2; times <= 3; times++) {
    await current.kill(victim);
    killed.push(victim);
    const after = await placesAfter(times);
    const moved = before.flatMap((name, subtask) => (name === victim ? [after[subtask]] : []));
    expect(moved).not.toContain(undefined);
    expect(new Set(moved).size).toBe(moved.length);
    expect(killed).not.toContain(moved[0]);
    // One that took over, and before the next checkpoint.
    victim = moved[0]!;
    before = after;
  }
  await current.kill(victim);
  killed.push(victim);
  await current.until(
    'it waits',
    () => current.said(new RegExp(`Job ${jobId} waits: .*, 1 more than are free`)).length > 0,
  );
  // One more, whose tasks have ended by now.
  victim = before.find((name) => name !== undefined && !killed.includes(name))!;
  await current.kill(victim);
  killed.push(victim);
  await current.until(
    'it waits for more',
    () => current.said(new RegExp(`Job ${jobId} waits: .*, 3 more than`)).length > 0,
  );
  const { stdout } = await current.run('list');
  expect(stdout).toMatch(new RegExp(`${jobId}.*RESTARTING`));
  expect(await current.ask(`/jobs/${jobId}`)).toMatchObject({
    progress: { waiting: expect.stringContaining('3 more than are free') },
  });
  current.startProcess('taskmanager', killed[0]!);
  await current.until(
    'it waits for one slot',
    () => current.said(new RegExp(`Job ${jobId} waits: .*, 1 more than`)).length > 1,
  );
  expect(starts(work)).toBe(3 * PARALLELISM);
  current.startProcess('taskmanager', killed[1]!);
  await placesAfter(4);
  const resumed = completed();
  await current.until('a checkpoint completes', () => completed() > resumed);
  writeFileSync(join(work, 'hurry'), '');
  await current.until(
    'it has finished',
    () => current.said(new RegExp(`\\(${jobId}\\) switched .* to FINISHED`)).length > 0,
  );

  expect(recount(work, COUNT, KEYS)).toEqual({
    expected: COUNT,
    committed: COUNT,
    repeated: 0,
    missing: 0,
    unexpected: 0,
  });
  const checkpoints = current.said(/Completed checkpoint|Restoring job/);
  let newest = 0;
  const restored: number[] = [];
  for (const line of checkpoints) {
    const id = Number(/Completed checkpoint (\d+)|from checkpoint (\d+)/.exec(line)!.slice(1).find(Boolean));
    if (line.includes('Completed')) {
      newest = id;
    } else {
      restored.push(id);
      expect(id).toBe(newest);
    }
  }
  expect(restored.length).toBeGreaterThanOrEqual(3);
});
