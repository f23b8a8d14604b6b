import { expect, test } from 'vitest';
import type { AttemptRef, JobId, VertexId } from '../../foundation/common/ids.ts';
import { SUSPENSION_MS } from './dispatcher/cluster-gateway.ts';
import type { FakeMaster } from './test-support/fake-job-starter.ts';
import type { FakeTaskManager } from './test-support/fake-task-manager.ts';
import { ClusterWorld } from './test-support/cluster-world.ts';
import { testGraph } from './test-support/test-graph.ts';

const JOB = 'a'.repeat(32) as JobId;
const FINISHED = { jobId: JOB, status: 'FINISHED', restarts: 0, durationMs: 1 } as const;

const ATTEMPT: AttemptRef = {
  job: JOB,
  graphVersion: 1,
  vertex: 'v-source' as VertexId,
  subtask: 0,
  generation: { epoch: 1, number: 1 },
};

/** A leader with a job, and a TaskManager that has finished its only task and is about to register. */
const start = async () => {
  const world = new ClusterWorld();
  const { jobManager, starter } = await world.jobManager('one');
  await world.until(() => jobManager.isLeading, 'it leads');
  const graph = testGraph([{ name: 'source', parallelism: 1 }]);
  const bundle = Buffer.from('export default 1');
  await world.settled(jobManager.submit({ jobId: JOB, graph, bundle, args: [], env: {}, configuration: {} }));
  await world.until(() => starter.masters.has(JOB), 'the job is loaded');
  const taskManager = await world.taskManager('tm', 1);
  taskManager.adopt(ATTEMPT, 0, 'FINISHED');
  const register = (): Promise<void> => world.settled(taskManager.register(jobManager.endpoints.rpcAddress));
  return { world, jobManager, starter, taskManager, register, master: starter.master(JOB) };
};

const isReleased = ({ heard }: FakeTaskManager): boolean => heard.some(({ kind }) => kind === 'release');

const persist = ({ surroundings }: FakeMaster): Promise<void> => surroundings.persistResult!(FINISHED);

test('the slots of a job are free when its result is written, not before (R9)', async () => {
  const { world, taskManager, register, master } = await start();
  await register();
  const writable = Promise.withResolvers<void>();
  const open = world.disk.open.bind(world.disk);
  world.disk.open = async (path, mode) => {
    await (path.includes('/results/') ? writable.promise : undefined);
    return open(path, mode);
  };
  const written = persist(master);
  await world.pass(100);
  expect(isReleased(taskManager)).toBe(false);
  writable.resolve();
  await world.settled(written);
  await world.until(() => isReleased(taskManager), 'it is released', 1_000);
});

test('a TaskManager that registers while what an ended job leaves is removed gets its slot back (R9)', async () => {
  const { world, jobManager, taskManager, register, master } = await start();
  await world.settled(persist(master));
  await register();
  await world.until(() => isReleased(taskManager), 'it is released', 1_000);
  expect((await world.settled(jobManager.overview())).slots).toMatchObject({ total: 1, free: 1 });
});

test('a cluster that was to be stopped and was not: its jobs are left alone for a while, then taken up again', async () => {
  const { world, jobManager, starter, master } = await start();
  await world.settled(jobManager.suspend());
  expect(master.status).toBe('SUSPENDED');
  await world.pass(SUSPENSION_MS - 1_000);
  expect(jobManager.leadership?.epoch).toBe(1);
  await world.until(() => starter.master(JOB) !== master, 'another JobMaster has it', 5_000);
  expect(starter.master(JOB).surroundings.fence.epoch).toBe(2);
});
