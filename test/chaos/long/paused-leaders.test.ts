import { mkdirSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { expectOneLeaderAtATime } from '../one-leader-at-a-time.ts';
import { recount, starts } from '../recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const ROUNDS = 12;
const PARALLELISM = 2;
const KEYS = 20;
const COUNT = 200_000;
const SHORT = 20;
const exactly = (count: number) => ({ expected: count, committed: count, repeated: 0, missing: 0, unexpected: 0 });

/** When to stop the leader: after a while, or at so many files of its store from then on, and a little later. */
interface Moment {
  readonly afterMs: number;
  readonly files: number;
  readonly spins: number;
  /** Not before it has begun to write into its store, and has not ended. */
  readonly inTransaction: boolean;
}

test('a leader that is paused at any moment, and woken when another leads, is refused and stands by', async () => {
  const seed = Number(process.env['MILLRACE_CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));
  process.stdout.write(`MILLRACE_CHAOS_SEED=${seed}\n`);
  const random = seededRandom(seed);
  const current = await ClusterUnderTest.start({
    jobManagers: 3,
    taskManagers: 2,
    slots: 4,
    configuration: { 'high-availability.embedded.lease-duration': '1 s' },
  });
  cluster = current;
  const work = join(current.folder, 'work');
  mkdirSync(work);
  const store = join(current.folder, 'storage', 'default', 'ha-store', 'log');
  const jobId = await current.submit('spread.ts', ...[work, COUNT, 2, PARALLELISM, KEYS, 40].map(String));
  /** Under its newest leadership. */
  const completed = (name: string): number =>
    current.logOf(name).split('was granted leadership').at(-1)!.split('Completed checkpoint').length - 1;
  await current.until('all tasks run', () => starts(work) === PARALLELISM);

  const short: Promise<{ readonly folder: string; readonly jobId: string }>[] = [];
  const submitShort = (): void => {
    const folder = join(current.folder, `short-${short.length}`);
    mkdirSync(folder);
    short.push(current.submit('counted.ts', folder, String(SHORT), '1', '1').then((id) => ({ folder, jobId: id })));
  };
  const wokenMs: number[] = [];
  let writing = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // On a busy machine it may lose its lease before it is paused, too.
    await current.until('somebody leads', () => leads(current, current.leader));
    const leader = current.leader!;
    const pid = current.pidOf(leader);
    const before = revocations(current, leader);
    if (round % 3 === 0) {
      submitShort();
    }
    await stopAt(current, leader, store, {
      afterMs: random.next() * 600,
      files: Math.floor(random.next() * 8),
      spins: round % 2 === 0 ? 0 : Math.floor(random.next() * 200_000),
      inTransaction: round % 2 === 0,
    });
    writing += isWriting(store) ? 1 : 0;
    await current.until('another leads', () => current.leader !== undefined && current.leader !== leader);
    const next = current.leader!;
    await current.until(
      'it completes a checkpoint, or has lost its lease too',
      () => completed(next) > 0 || current.leader !== next,
    );
    const sinceMs = performance.now();
    current.signal(leader, 'SIGCONT');
    await current.until('the woken one knows that it does not lead', () => revocations(current, leader) > before);
    await current.until('it serves as a standby', async () => {
      const jobs = JSON.stringify(await current.ask('/jobs/overview', leader).catch(String));
      return jobs.includes(jobId) && jobs.includes('RUNNING');
    });
    wokenMs.push(Math.round(performance.now() - sinceMs));
    expect(current.running).toContain(leader);
    expect(current.pidOf(leader)).toBe(pid);
  }
  process.stdout.write(
    `${writing} of ${ROUNDS} pauses were inside a store transaction; a standby again after ${wokenMs.join(', ')} ms\n`,
  );
  writeFileSync(join(work, 'hurry'), '');
  for (const { folder, jobId: id } of [...(await Promise.all(short)), { folder: work, jobId }]) {
    await current.until(
      `job ${id} has finished`,
      () => current.said(new RegExp(`\\(${id}\\) switched from state \\w+ to FINISHED`)).length > 0,
    );
    if (folder !== work) {
      expect(recount(folder, SHORT)).toEqual(exactly(SHORT));
      expect(starts(folder)).toBe(1);
    }
  }
  expect(recount(work, COUNT, KEYS)).toEqual(exactly(COUNT));
  expect(starts(work)).toBe(PARALLELISM);
  expectOneLeaderAtATime(current);
});

const revocations = (current: ClusterUnderTest, name: string): number =>
  current.logOf(name).split('was revoked leadership').length - 1;

const leads = (current: ClusterUnderTest, name: string | undefined): boolean =>
  name !== undefined && current.logOf(name).split('was granted leadership').length - 1 > revocations(current, name);

/** A file that is not linked to its name yet. */
const isWriting = (store: string): boolean => readdirSync(store).some((name) => name.startsWith('.'));

const stopAt = async (
  current: ClusterUnderTest,
  leader: string,
  store: string,
  { afterMs, files, spins, inTransaction }: Moment,
): Promise<void> => {
  await sleep(afterMs);
  let left = files;
  const begun = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = watch(store, () => (left-- <= 0 ? resolve() : undefined));
    await promise;
    watcher.close();
  };
  await current.until('it is stopped at the right moment', async () => {
    await begun();
    for (let spin = 0; spin < spins; spin++) {
      // Less than a millisecond, which no timer can wait for.
    }
    current.signal(leader, 'SIGSTOP');
    if (!inTransaction || isWriting(store)) {
      return true;
    }
    current.signal(leader, 'SIGCONT');
    return false;
  });
};
