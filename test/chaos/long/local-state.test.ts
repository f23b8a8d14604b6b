import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { endedExactly } from '../ended-exactly.ts';

let cluster: ClusterUnderTest;
let work: string;
let jobId: string;

afterEach(() => cluster?.close());

const RESTORED = /Restored from local copy: (\d+) bytes, from storage: (\d+) bytes/;
const TASK_MANAGERS = ['taskmanager-1', 'taskmanager-2', 'taskmanager-3'];

/** Three TaskManagers of one slot and a job of parallelism 2, whose state goes into files. */
const start = async (jobManagers: number): Promise<void> => {
  cluster = await ClusterUnderTest.start({ jobManagers, taskManagers: 3, slots: 1 });
  work = join(cluster.folder, 'work');
  mkdirSync(work);
  jobId = await cluster.submit('padded.ts', work, '10', '2');
};

const completed = (): number => cluster.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;

const moreCheckpoints = async (more: number): Promise<void> => {
  const before = completed();
  await cluster.until(`${more} more checkpoints complete`, () => completed() >= before + more);
};

/** Both subtasks have so much state that it is in files, and a checkpoint of that is complete. */
const stateInFiles = async (): Promise<void> => {
  const folders = (): Set<string> =>
    new Set(
      readdirSync(cluster.localState, { recursive: true })
        .map((path) => String(path).split('/'))
        .flatMap(([, , job, subtask, file]) => (job === jobId && file !== undefined ? [subtask!] : [])),
    );
  await cluster.until('there are copies of both subtasks', () => folders().size === 2);
  await moreCheckpoints(1);
};

interface Restore {
  readonly local: number;
  readonly storage: number;
}

/** The restores in a TaskManager of tasks whose state is in files, in order; the source's is in the metadata. */
const restoresIn = (taskManager: string): Restore[] =>
  cluster
    .saidBy(taskManager, RESTORED)
    .map((line) => {
      const [, local, storage] = RESTORED.exec(line)!;
      return { local: Number(local), storage: Number(storage) };
    })
    .filter(({ local, storage }) => local + storage > 0);

const restores = (): number => TASK_MANAGERS.reduce((sum, name) => sum + restoresIn(name).length, 0);

/** Where the newest attempts of both subtasks run. */
const used = (): readonly [string, string] => {
  const pids = readFileSync(join(work, 'opens.log'), 'utf8').trim().split('\n').slice(-2);
  return pids.map((line) => TASK_MANAGERS.find((name) => line === `open ${cluster.pidOf(name)}`)!) as [string, string];
};

const end = (): Promise<void> => endedExactly(cluster, jobId, work);

/** A machine may be busy. */
const LIMIT = { timeout: 180_000 };
const FROM_HERE = { local: expect.toSatisfy((bytes: number) => bytes > 20_000), storage: 0 };

test(
  'a thread dies, the leader, a TaskManager: tasks that stay read 0 bytes of state from the storage',
  LIMIT,
  async () => {
    await start(2);
    await stateInFiles();
    writeFileSync(join(work, 'exit'), '');
    await cluster.until('both tasks are restored', () => restores() === 2);
    expect(used().map((name) => restoresIn(name))).toEqual([[FROM_HERE], [FROM_HERE]]);

    const leader = cluster.leader!;
    await cluster.kill(leader);
    await cluster.until('another one leads', () => cluster.leader !== undefined);
    await moreCheckpoints(1);
    const [lost, stays] = used();
    await cluster.kill(lost);
    await cluster.until('both tasks are restored again', () => restores() === 4);
    expect(restoresIn(stays)).toEqual([FROM_HERE, FROM_HERE]);
    const other = TASK_MANAGERS.find((name) => name !== lost && name !== stays)!;
    expect(restoresIn(other)).toEqual([{ local: 0, storage: FROM_HERE.local }]);
    await end();

    const instances = (): readonly string[] =>
      readdirSync(cluster.localState).flatMap((name) => readdirSync(join(cluster.localState, name)));
    // What the killed one left goes when the next one starts; nobody keeps anything of a job that has ended.
    cluster.startProcess('taskmanager', lost);
    await cluster.until('only folders of living processes are left', () => instances().length === 3);
    const hasCopies = (): boolean => {
      try {
        return readdirSync(cluster.localState, { recursive: true }).join(' ').includes(jobId);
      } catch (thrown) {
        // It is being deleted while it is read.
        expect(codeOf(thrown)).toBe('ENOENT');
        return true;
      }
    };
    await cluster.until('no copy is left', () => !hasCopies());
  },
);

test(
  'the leader and a TaskManager die at once: the task that stays gets its slot back, and its state from there',
  LIMIT,
  async () => {
    await start(2);
    await stateInFiles();
    const [lost, stays] = used();
    await Promise.all([cluster.kill(cluster.leader!), cluster.kill(lost)]);
    await cluster.until('both tasks are restored', () => restores() === 2);
    expect(restoresIn(stays)).toEqual([FROM_HERE]);
    await end();
  },
);

test(
  'the copies are deleted under way: checkpoints go on, and what is missing comes from the storage',
  LIMIT,
  async () => {
    await start(1);
    await stateInFiles();
    rmSync(cluster.localState, { recursive: true });
    await moreCheckpoints(2);
    const [lost, stays] = used();
    await cluster.kill(lost);
    await cluster.until('both tasks are restored', () => restores() === 2);
    const [restored] = restoresIn(stays);
    expect(restored!.local + restored!.storage).toBeGreaterThan(20_000);
    await end();
    expect(existsSync(cluster.localState)).toBe(true);
  },
);
