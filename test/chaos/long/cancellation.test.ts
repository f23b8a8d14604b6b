import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { endedExactly } from '../ended-exactly.ts';

let cluster: ClusterUnderTest;
let work: string;
let jobId: string;

afterEach(() => cluster?.close());

/** A task that goes no further keeps checkpoints from completing; the job restarts then, and the task is cancelled. */
const CONFIGURATION = {
  'execution.checkpointing.timeout': '2 s',
  'execution.checkpointing.tolerable-failed-checkpoints': '0',
  'task.cancellation.timeout': '1 s',
};

const start = async (taskManagers: number): Promise<void> => {
  cluster = await ClusterUnderTest.start({ jobManagers: 1, taskManagers, slots: 1, configuration: CONFIGURATION });
  work = join(cluster.folder, 'work');
  mkdirSync(work);
  jobId = await cluster.submit('padded.ts', work, '10', '1');
  await completed();
};

const completed = async (): Promise<void> => {
  const lines = (): number => cluster.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;
  const before = lines();
  await cluster.until('a checkpoint completes', () => lines() > before);
};

const opens = (): readonly number[] =>
  readFileSync(join(work, 'opens.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]));

const block = async (how: 'loop' | 'call'): Promise<void> => {
  writeFileSync(join(work, how), '');
  await cluster.until('the task is blocked', () => !existsSync(join(work, how)));
};

const end = (): Promise<void> => endedExactly(cluster, jobId, work);

test('a task that loops for ever loses its thread: its TaskManager lives, its job goes on', async () => {
  await start(1);
  await block('loop');
  await cluster.until('the task is started again', () => opens().length > 1);
  await completed();
  expect(new Set(opens())).toEqual(new Set([cluster.pidOf('taskmanager-1')]));
  expect(cluster.said(/did not end within task\.cancellation\.timeout \(1000 ms\)/)).not.toEqual([]);
  await end();
});

test(
  'a task in a call that cannot be interrupted takes its TaskManager with it: the job goes on elsewhere',
  { timeout: 180_000 },
  async () => {
    await start(2);
    const names = ['taskmanager-1', 'taskmanager-2'];
    const blocked = names.find((name) => cluster.pidOf(name) === opens()[0])!;
    await block('call');
    await cluster.until('its TaskManager has ended', () => !cluster.running.includes(blocked));
    const [said] = cluster.saidBy(blocked, /was told to end 10 s ago/);
    expect(said).toMatch(/task\.cancellation\.timeout.*such as execSync.*this TaskManager ends/);
    await cluster.until('the task is started again', () => opens().length > 1);
    await completed();
    expect(opens().slice(1)).not.toContain(cluster.pidOf(blocked));
    await end();
  },
);
