import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from './cluster-under-test.ts';
import { recountLines } from './recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const MAIN = 3_000;

test('the leader dies with the TaskManagers of what had finished, in a region of its own and in one that goes on: nothing is started anew (R11)', async () => {
  const current = await ClusterUnderTest.start({
    jobManagers: 2,
    taskManagers: 3,
    slots: 1,
    // Whoever waited for a TaskManager that is gone would wait longer than the test.
    configuration: { 'jobmanager.reconcile.timeout': '10 min' },
  });
  cluster = current;
  const work = join(current.folder, 'work');
  mkdirSync(work);
  const opens = (name: string): readonly string[] =>
    readFileSync(join(work, `${name}.opens`), 'utf8')
      .split('\n')
      .slice(0, -1);
  const hostOf = (name: string): string =>
    current.running.find((one) => String(current.pidOf(one)) === opens(name)[0])!;
  const jobId = await current.submit('finishing.ts', work, String(MAIN));
  const completed = (): number => current.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;
  const checkpoints = async (more: number): Promise<void> => {
    const before = completed();
    await current.until('checkpoints complete', () => completed() >= before + more);
  };
  await current.until('what ends early has finished', async () => {
    const { vertices } = (await current.ask(`/jobs/${jobId}`)) as { vertices: { tasks: { FINISHED: number } }[] };
    return vertices.filter(({ tasks }) => tasks.FINISHED > 0).length === 2;
  });
  // The first one may have been on its way when they reported their end.
  await checkpoints(2);
  await current.killAll([current.leader!, hostOf('apart'), hostOf('part')]);
  await current.until('the job runs under another leader', () =>
    new RegExp(`\\(${jobId}\\) switched from state RECONCILING to RUNNING`).test(current.logOf(current.leader ?? '')),
  );
  await checkpoints(2);
  writeFileSync(join(work, 'hurry'), '');
  await current.until(
    'the job has finished',
    () => current.said(new RegExp(`\\(${jobId}\\) switched from state \\w+ to FINISHED`)).length > 0,
  );

  expect(['apart', 'part', 'main'].map((name) => opens(name).length)).toEqual([1, 1, 1]);
  expect(current.said(/switched from state \w+ to RESTARTING/)).toEqual([]);
  const numbers = (count: number, prefix = ''): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
  const exactly = { repeated: 0, missing: 0, unexpected: 0 };
  expect(recountLines(join(work, 'apart.out'), numbers(100))).toEqual({ expected: 100, committed: 100, ...exactly });
  const count = MAIN + 100;
  expect(recountLines(join(work, 'main.out'), [...numbers(MAIN, 'main '), ...numbers(100, 'part ')])).toEqual({
    expected: count,
    committed: count,
    ...exactly,
  });
});
