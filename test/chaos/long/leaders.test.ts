import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { recount, starts } from '../recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const LASTS_MS = 40_000;
const LIVES_MS = 2_000;
const COMES_BACK_AFTER_MS = 1_000;
const PARALLELISM = 4;
const KEYS = 40;
const COUNT = 400_000;

test('the leader is killed every two seconds for forty seconds, under load: no task is started anew, the output is exact', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 3, taskManagers: 2 });
  cluster = current;
  const work = join(current.folder, 'work');
  mkdirSync(work);
  const jobId = await current.submit('spread.ts', ...[work, COUNT, 1, PARALLELISM, KEYS, 500].map(String));
  const completed = (name: string): number => current.logOf(name).split(`Completed checkpoint`).length - 1;
  await current.until('all tasks run', () => starts(work) === PARALLELISM);

  const returning: Promise<void>[] = [];
  const beginMs = performance.now();
  let kills = 0;
  let late = 0;
  while (performance.now() - beginMs < LASTS_MS) {
    await current.until('somebody leads', () => current.leader !== undefined);
    const leader = current.leader!;
    await sleep(LIVES_MS);
    // A busy machine may need more than two seconds for it; for ever is too long.
    late += completed(leader) === 0 ? 1 : 0;
    await current.until(
      `a checkpoint completes under ${leader}, or it has lost its lease`,
      () => completed(leader) > 0 || current.leader !== leader,
    );
    if (current.leader !== leader) {
      continue;
    }
    await current.kill(leader);
    kills++;
    returning.push(sleep(COMES_BACK_AFTER_MS).then(() => current.startProcess('jobmanager', leader)));
  }
  await Promise.all(returning);
  expect(kills).toBeGreaterThan(1);
  process.stdout.write(`${kills} leaders were killed; ${late} had no checkpoint within ${LIVES_MS} ms\n`);
  writeFileSync(join(work, 'hurry'), '');
  await current.until(
    'the job has finished',
    () => current.said(new RegExp(`\\(${jobId}\\) switched from state \\w+ to FINISHED`)).length > 0,
  );
  expect(recount(work, COUNT, KEYS)).toEqual({
    expected: COUNT,
    committed: COUNT,
    repeated: 0,
    missing: 0,
    unexpected: 0,
  });
  expect(starts(work)).toBe(PARALLELISM);
});
