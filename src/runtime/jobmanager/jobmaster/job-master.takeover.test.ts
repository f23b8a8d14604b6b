import { expect, test } from 'vitest';
import { EMPTY_JOB_RECORD, type JobRecordStore, type RestartCounts } from '../../../coordination/job-record-store.ts';
import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { TaskDeployment, TaskExecutorGateway, TaskState } from '../../protocol/task-commands.ts';
import { TASK_MANAGER } from '../test-support/simulated-term.ts';
import { SimulatedWorld } from '../test-support/simulated-world.ts';
import { testGraph, vertexIdOf } from '../test-support/test-graph.ts';

const graph = testGraph([{ name: 'source', parallelism: 2 }]);
const restartStrategy = { kind: 'fixed-delay', attempts: 3, delayMs: 10 } as const;

/** A TaskManager that runs what it is given, until it is told to end it. */
const runs = (world: () => SimulatedWorld) => {
  const deployments: TaskDeployment[] = [];
  const tell = (attempt: AttemptId, state: TaskState): void => {
    world().clock.after(0, () => world().master.report({ kind: 'state', attempt, state }));
  };
  const executors = (): TaskExecutorGateway => ({
    deploy: (_fence, given) => {
      deployments.push(...given);
      given.forEach(({ attempt }) => tell(attemptId(attempt), 'INITIALIZING'));
      given.forEach(({ attempt }) => tell(attemptId(attempt), 'RUNNING'));
    },
    command: (_fence, attempt, { kind }) => {
      if (kind === 'cancel') {
        tell(attempt, 'CANCELED');
      }
    },
  });
  return { deployments, executors, tell };
};

test('what a TaskManager does not report any more when it registers again is lost, and starts again (R15)', async () => {
  const taskManager = runs(() => world);
  const world = new SimulatedWorld({
    seed: 3,
    graph,
    master: { executors: taskManager.executors, restartStrategy },
  });
  world.faults = false;
  world.master.start();
  await world.run(10_000, () => world.master.overview.tasks.every(({ state }) => state === 'RUNNING'));
  expect(taskManager.deployments).toHaveLength(2);
  world.master.taskManagerReported(TASK_MANAGER, []);
  await world.run(10_000, () => taskManager.deployments.length === 4);
  expect(taskManager.deployments).toHaveLength(4);
});

test('counts of the restart strategy are written with each generation (R13)', async () => {
  const written: RestartCounts[] = [];
  const records: Partial<JobRecordStore> = {
    read: async () => EMPTY_JOB_RECORD,
    recordGeneration: async (_record, counts) => void written.push(counts!),
  };
  const { executors, deployments, tell } = runs(() => world);
  const world = new SimulatedWorld({
    seed: 4,
    graph,
    master: { records: records as JobRecordStore, executors, restartStrategy },
  });
  world.faults = false;
  world.master.start();
  await world.run(10_000, () => deployments.length === 2);
  tell(attemptId(deployments[0]!.attempt), 'FAILED');
  await world.run(10_000, () => deployments.length > 2);
  expect(written.map(({ restarts }) => restarts)).toEqual([0, 1]);
});

test('whoever may run something of the job is asked for, so that nobody waits for the dead (R11)', async () => {
  const taskManagers = [{ instanceId: 'one', rpcAddress: 'one:1' }];
  const started = {
    generation: { epoch: 1, number: 1 },
    graphVersion: 1,
    restored: undefined,
    subtasks: [0, 1].map((subtask) => `${vertexIdOf('source')}/${subtask}`),
    taskManagers,
  };
  const records: Partial<JobRecordStore> = { read: async () => ({ ...EMPTY_JOB_RECORD, generations: [started] }) };
  const awaited: unknown[] = [];
  const world = new SimulatedWorld({
    seed: 5,
    graph,
    master: { records: records as JobRecordStore, awaited: (some) => awaited.push(...some) },
  });
  world.faults = false;
  world.master.start();
  await world.run(1_000, () => awaited.length > 0);
  expect(awaited).toEqual(taskManagers);
});
