import { describe, expect, test } from 'vitest';
import type { SimulatedTask } from '../test-support/simulated-task.ts';
import { SimulatedWorld, type WorldOptions } from '../test-support/simulated-world.ts';
import { attemptId } from '../../../foundation/common/ids.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import { EXPONENTIAL_DELAY_DEFAULTS, type RestartStrategyOptions } from '../failover/restart-strategy.ts';
import { FixedSlots, type SlotRef } from '../scheduler/slot-table.ts';
import { TASK_MANAGER } from '../test-support/simulated-term.ts';
import { testGraph } from '../test-support/test-graph.ts';
import type { CheckpointingPlan, JobGraph } from '../../../pipeline/graph/job-graph.ts';

const graphOf = (records: number, checkpointing?: Partial<CheckpointingPlan>): JobGraph => {
  const splits = ['s0', 's1'].map((id) => ({ id, next: 0, count: records }));
  const source = { enumerator: 'static-splits', config: { splits, assignment: 'by-index' }, bounded: true };
  return testGraph(
    [
      { name: 'source', parallelism: 2, source },
      { name: 'sink', parallelism: 2 },
    ],
    [['source', 'sink', 'forward']],
    checkpointing,
  );
};

const world = (graph: JobGraph, options: Partial<WorldOptions> = {}): SimulatedWorld => {
  const made = new SimulatedWorld({ seed: 5, graph, ...options });
  made.faults = false;
  made.master.start();
  return made;
};

const isRunning = (job: SimulatedWorld): boolean => job.master.overview.tasks.every(({ state }) => state === 'RUNNING');

const taskOf = (job: SimulatedWorld, vertex: string, subtask: number): SimulatedTask =>
  job.liveTasks.find(
    ({ deployment }) => deployment.vertex === `v-${vertex}` && deployment.attempt.subtask === subtask,
  )!;

test('a job without checkpoints runs to its end', async () => {
  const job = world(graphOf(20));
  expect(await job.finish()).toMatchObject({ status: 'FINISHED', restarts: 0 });
  expect(job.output).toHaveLength(40);
  expect(job.log.map((line) => line.replace(/^\d+ /, ''))).toEqual([
    'Job test-job (job1) switched from state INITIALIZING to CREATED.',
    'Job test-job (job1) switched from state CREATED to RUNNING.',
    'Starting job job1 without state',
    'Job test-job (job1) switched from state RUNNING to FINISHED.',
  ]);
});

test('too few slots: the job fails and says how many are missing', async () => {
  const result = await world(graphOf(1), { master: { slots: new FixedSlots(graphOf(1), 'tm1', 1) } }).finish();
  expect(result).toMatchObject({ status: 'FAILED', error: { code: 'NOT_ENOUGH_SLOTS' } });
  expect(result.error?.message).toContain('1 slot missing');
});

test('a TaskManager that is gone when its tasks are to be deployed: nothing is sent, and they start again', async () => {
  let isGone = true;
  const job = world(graphOf(20, { intervalMs: 200 }), {
    master: {
      executors: () => (isGone ? undefined : job),
      locateSlot: ({ taskManager, slot }) => {
        if (isGone) {
          throw new Error(`nobody knows slot ${slot} of ${taskManager}`);
        }
        return { instanceId: taskManager, thread: slot, host: 'tm', port: 1 };
      },
      restartStrategy: { kind: 'fixed-delay', attempts: 10, delayMs: 10 },
    },
  });
  await job.run(10_000, () => job.master.overview.restarts === 2);
  expect(job.deployments).toBe(0);
  isGone = false;
  expect(await job.finish()).toMatchObject({ status: 'FINISHED' });
  expect(job.output).toHaveLength(40);
});

describe('deployments that cannot be made: nothing is sent, and nothing is waited for', () => {
  const broken = (restartStrategy: RestartStrategyOptions) => {
    let isBroken = true;
    const locateSlot = ({ taskManager, slot }: SlotRef): DataLocation => {
      if (isBroken) {
        throw new Error(`slot ${slot} of ${taskManager} has no port`);
      }
      return { instanceId: taskManager, thread: slot, host: 'tm', port: 1 };
    };
    const job = world(graphOf(20, { intervalMs: 200 }), { master: { locateSlot, restartStrategy } });
    return { job, mend: () => (isBroken = false) };
  };

  test('its tasks start again, and the job goes on once they can', async () => {
    const { job, mend } = broken({ kind: 'fixed-delay', attempts: 10, delayMs: 10 });
    await job.run(10_000, () => job.master.overview.restarts === 2);
    expect(job.deployments).toBe(0);
    mend();
    expect(await job.finish()).toMatchObject({ status: 'FINISHED' });
    expect(job.output).toHaveLength(40);
  });

  test('no restart is left: the job fails and says why', async () => {
    const result = await broken({ kind: 'none' }).job.finish();
    expect(result).toMatchObject({ status: 'FAILED' });
    expect(result.error?.message).toMatch(/slot \d of \S+ has no port/);
  });

  test('it can be cancelled between two tries', async () => {
    const { job } = broken({ kind: 'fixed-delay', attempts: 1_000, delayMs: 10 });
    await job.run(10_000, () => job.master.overview.restarts === 2);
    void job.master.cancel();
    expect(await job.finish()).toMatchObject({ status: 'CANCELED' });
  });
});

describe('tasks that lost their channels to a TaskManager start again', () => {
  const delaysOf = async (lostInstanceId: string): Promise<readonly string[]> => {
    const exponential = { ...EXPONENTIAL_DELAY_DEFAULTS, jitterFactor: 0 };
    const job = world(graphOf(100_000), {
      master: { restartStrategy: { kind: 'exponential-delay', ...exponential } },
    });
    for (let restarts = 1; restarts <= 2; restarts++) {
      await job.run(50_000, () => isRunning(job));
      const error = { name: 'MillraceError', code: 'CHANNEL_LOST', message: 'the channel is broken', lostInstanceId };
      taskOf(job, 'sink', 0).failWith(error);
      await job.run(50_000, () => job.master.overview.restarts === restarts && isRunning(job));
    }
    return job.log.flatMap((line) => /Restarting .* (in \d+ ms)/.exec(line)?.[1] ?? []);
  };

  test('at once if that one is gone: nothing that the job did wrong', async () => {
    expect(await delaysOf('tm-that-died')).toEqual(['in 0 ms', 'in 0 ms']);
  });

  test('as the restart strategy says if it lives', async () => {
    expect(await delaysOf(TASK_MANAGER)).toEqual(['in 0 ms', 'in 1000 ms']);
  });
});

test('an enumerator that is not there: the job fails and names those that are', async () => {
  const result = await world(graphOf(1), { master: { enumerators: [] } }).finish();
  expect(result).toMatchObject({ status: 'FAILED', error: { code: 'BAD_JOB' } });
});

test('an enumerator that throws fails the job, with its name and cause', async () => {
  const broken = {
    kind: 'static-splits',
    create: () => ({
      discovered: () => ({}),
      readerRegistered: () => {
        throw new TypeError('no such topic');
      },
      splitRequested: () => ({}),
      splitsReturned: () => ({}),
      splitsAssigned: () => {},
      snapshot: () => ({}),
    }),
  };
  const result = await world(graphOf(1), {
    master: { enumerators: [broken], restartStrategy: { kind: 'none' } },
  }).finish();
  expect(result).toMatchObject({ status: 'FAILED' });
  expect(result.error?.message).toMatch(/^the enumerator of source "source" failed: no such topic; not restarted/);
});

test('a task that fails without a restart left: the first error is the cause', async () => {
  const job = world(graphOf(500), { master: { restartStrategy: { kind: 'none' } } });
  await job.run(10_000, () => isRunning(job));
  taskOf(job, 'sink', 1).fail('boom');
  const result = await job.finish();
  expect(result).toMatchObject({ status: 'FAILED', error: { cause: { message: 'boom' } } });
  expect(result.error?.message).toBe('task "sink (2/2)" failed: boom; not restarted: the restart strategy is none');
  expect(job.liveTasks).toEqual([]);
});

test('one pipeline fails: the other goes on in its generation', async () => {
  const job = world(graphOf(300, { intervalMs: 200 }));
  await job.run(50_000, () => job.store.ever.size > 1);
  const other = taskOf(job, 'source', 0).id;
  taskOf(job, 'sink', 1).fail('boom');
  await job.run(50_000, () => job.master.overview.restarts === 1 && isRunning(job));
  expect(taskOf(job, 'source', 0).id).toBe(other);
  expect(taskOf(job, 'source', 1).deployment.restore?.checkpointId).toBe([...job.store.ever].at(-1));
  expect(job.log.join('\n')).toMatch(
    /Restoring job job1 from checkpoint \d+ located at \/checkpoints\/job1\/chk-\d+\/_metadata/,
  );
  await job.finish();
  expect(new Set(job.output).size).toBe(600);
  expect(job.output).toHaveLength(600);
});

describe('what is left of the checkpoints', () => {
  const run = async (retention: CheckpointingPlan['retention'], end: 'cancel' | 'fail'): Promise<SimulatedWorld> => {
    const restartStrategy = { kind: 'none' } as const;
    const job = world(graphOf(100_000, { intervalMs: 100, retention }), { master: { restartStrategy } });
    await job.run(50_000, () => job.store.ever.size > 2);
    if (end === 'cancel') {
      void job.master.cancel();
    } else {
      taskOf(job, 'sink', 1).fail('boom');
    }
    await job.finish();
    await job.run(500, () => false);
    expect(job.store.pointers.size).toBe(0);
    return job;
  };

  test.each([
    { retention: 'RETAIN_ON_CANCELLATION', end: 'cancel', kept: true },
    { retention: 'RETAIN_ON_CANCELLATION', end: 'fail', kept: true },
    { retention: 'DELETE_ON_CANCELLATION', end: 'cancel', kept: false },
    { retention: 'DELETE_ON_CANCELLATION', end: 'fail', kept: true },
    { retention: 'NO_EXTERNALIZED_CHECKPOINTS', end: 'cancel', kept: false },
    { retention: 'NO_EXTERNALIZED_CHECKPOINTS', end: 'fail', kept: false },
  ] as const)('$retention, $end', async ({ retention, end, kept }) => {
    const job = await run(retention, end);
    expect(job.files.below(job.folder).some((path) => path.endsWith('_metadata'))).toBe(kept);
  });
});

test('a job that was restored from its own folder leaves everything there', async () => {
  const first = world(graphOf(100_000, { intervalMs: 100, retention: 'RETAIN_ON_CANCELLATION' }));
  await first.run(50_000, () => first.store.ever.size > 1);
  void first.master.cancel();
  await first.finish();
  const place = first.files.below(first.folder).find((path) => path.endsWith('_metadata'))!;
  const metadata = first.files.metadata.get(place)!;
  const restore = { metadata, baseFolder: first.folder, metadataPath: place, allowNonRestoredState: false };
  const second = world(graphOf(100_000, { intervalMs: 100 }), { files: first.files, restore });
  await second.run(50_000, () => second.store.ever.size > 0);
  expect([...second.store.ever][0]).toBeGreaterThan(metadata.checkpointId);
  void second.master.cancel();
  await second.finish();
  await second.run(300, () => false);
  expect(second.files.metadata.has(place)).toBe(true);
});

test('a stop ends with its savepoint, which stays', async () => {
  const job = world(graphOf(100_000, { intervalMs: 100 }));
  await job.run(50_000, () => job.store.ever.size > 1);
  const stop = job.ask(() => job.master.stop('/savepoints', false));
  const result = await job.finish();
  expect(result).toMatchObject({ status: 'FINISHED', savepoint: '/savepoints/savepoint-0' });
  expect(stop.checkpoint?.metadata.operators.every(({ finishedSubtasks }) => finishedSubtasks.length === 0)).toBe(true);
  expect(job.files.below('/savepoints/savepoint-0')).toContain('/savepoints/savepoint-0/_metadata');
});

describe('what was accepted happens, whatever is asked for after it (R7, I12)', () => {
  test('a stop beside another one', async () => {
    const job = world(graphOf(100_000, { intervalMs: 200 }));
    await job.run(10_000, () => isRunning(job));
    const first = job.ask(() => job.master.stop('/savepoints', false));
    await job.run(1_000, () => job.intent.kind === 'stop');
    const second = job.ask(() => job.master.stop('/other', false));
    await job.run(10_000, () => second.done || first.done);
    expect(job.log.join('\n')).toContain('asked in vain: the job is being stopped already');
    expect(first.done).toBe(false);
    job.changeLeader();
    expect(await job.finish()).toMatchObject({ status: 'FINISHED', savepoint: expect.stringMatching(/^\/savepoints/) });
  });

  test('a cancel, and then a stop', async () => {
    const job = world(graphOf(100_000, { intervalMs: 200 }));
    await job.run(10_000, () => isRunning(job));
    await Promise.all([job.master.cancel(), job.run(1_000, () => job.master.status === 'CANCELLING')]);
    job.ask(() => job.master.stop('/savepoints', false));
    await job.run(5, () => false);
    job.changeLeader();
    expect(await job.finish()).toMatchObject({ status: 'CANCELED' });
  });
});

test('what is asked of a job that is not there is refused with its state', async () => {
  const job = world(graphOf(1));
  await job.finish();
  const asked = job.ask(() => job.master.triggerSavepoint('/savepoints'));
  await job.run(100, () => asked.done);
  expect(asked).toMatchObject({ done: true, checkpoint: undefined });
  expect(job.log.at(-1)).toContain('job "test-job" is FINISHED');
});

test('suspended: nobody is told anything, nothing is deleted', async () => {
  const job = world(graphOf(100_000, { intervalMs: 100 }));
  await job.run(50_000, () => job.store.ever.size > 1);
  const files = job.files.below(job.folder).length;
  const live = job.liveTasks.length;
  job.master.suspend();
  expect((await job.finish()).status).toBe('SUSPENDED');
  expect(job.liveTasks).toHaveLength(live);
  expect(job.files.below(job.folder).length).toBeGreaterThanOrEqual(files);
});

test("deposed while a stop is undecided: its savepoint is the next leader's, and stays as it is (R2)", async () => {
  const job = world(graphOf(100_000));
  await job.run(10_000, () => isRunning(job));
  const stop = job.ask(() => job.master.stop('/savepoints', false));
  await job.run(10_000, () => job.files.metadata.size > 0);
  job.master.suspend();
  await job.run(200, () => false);
  expect(stop).toEqual({ done: true, checkpoint: undefined });
  expect([...job.files.metadata.keys()]).toEqual(['/savepoints/savepoint-0/_metadata']);
});

test('a connection that breaks while a job is drained, and all have acknowledged, costs nothing (R15)', async () => {
  const job = world(graphOf(100_000, { intervalMs: 1e9 }), { master: { restartStrategy: { kind: 'none' } } });
  await job.run(10_000, () => isRunning(job));
  job.ask(() => job.master.stop('/savepoints', true));
  await job.run(10_000, () => job.files.metadata.size > 0);
  job.breakConnection();
  expect(await job.finish()).toMatchObject({ status: 'FINISHED', restarts: 0, savepoint: '/savepoints/savepoint-0' });
});

test('the overview shows tasks, attempts, metrics and checkpoints', async () => {
  const job = world(graphOf(100_000, { intervalMs: 100 }));
  await job.run(50_000, () => job.store.ever.size > 1);
  const metrics = {
    attempt: taskOf(job, 'sink', 1).id,
    recordsIn: 7,
    recordsFromSource: 0,
    recordsOut: 0,
    recordsToSinks: 7,
    counters: { window: { numLateRecordsDropped: 3 } },
    busyMs: 1,
    idleMs: 2,
    backpressuredMs: 3,
    longestPauseMs: 4,
  };
  job.master.metrics([metrics, { ...metrics, attempt: 'gone' as typeof metrics.attempt }]);
  const { tasks, checkpoints, status } = job.master.overview;
  expect(status).toBe('RUNNING');
  expect(tasks.map(({ name, subtask, attempt }) => `${name} ${subtask} ${attempt}`)).toEqual([
    'source 0 1',
    'source 1 1',
    'sink 0 1',
    'sink 1 1',
  ]);
  expect(tasks[3]?.metrics).toEqual(metrics);
  expect(checkpoints).toMatchObject({ failed: 0, latestFailure: undefined });
  expect(checkpoints?.latestCompleted?.path).toMatch(/chk-\d+\/_metadata$/);
});

test('a pipeline that waited for its slots starts after one that failed later and did not wait: no failure of either', async () => {
  const graph = graphOf(100_000, { intervalMs: 200 });
  let gate: Promise<void> = Promise.resolve();
  class Slots extends FixedSlots {
    override settled(): Promise<void> {
      return gate;
    }
  }
  const job = world(graph, { master: { slots: new Slots(graph, 'tm1', 2) } });
  await job.run(50_000, () => job.store.ever.size > 0);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  taskOf(job, 'sink', 0).fail('boom');
  await job.run(2_000, () => false);
  gate = Promise.resolve();
  taskOf(job, 'sink', 1).fail('bang');
  await job.run(50_000, () => taskOf(job, 'sink', 1)?.phase === 'running');
  const { id } = taskOf(job, 'sink', 1);
  resolve();
  await job.run(50_000, () => isRunning(job));
  expect(job.master.overview).toMatchObject({ status: 'RUNNING', restarts: 2 });
  expect(taskOf(job, 'sink', 1).id, 'it went on').toBe(id);
});

test('a TaskManager that was taken for dead comes back: the slot of what it still runs is free when that has ended', async () => {
  const graph = graphOf(100_000, { intervalMs: 100 });
  const freed: SlotRef[] = [];
  class Slots extends FixedSlots {
    free(slot: SlotRef): void {
      freed.push(slot);
    }
  }
  const job = world(graph, { master: { slots: new Slots(graph, 'tm1', 2) } });
  await job.run(10_000, () => isRunning(job));
  const attempt = { ...taskOf(job, 'sink', 1).deployment.attempt, generation: { epoch: 0, number: 1 } };
  const stale = {
    attempt,
    slot: 3,
    state: 'RUNNING',
    ended: false,
    drained: false,
    completedId: 0,
    highestId: 0,
    readers: [],
  } as const;
  job.master.taskManagerReported('woken', [stale]);
  await job.run(20, () => false);
  expect(freed).toEqual([]);
  job.master.report({ kind: 'state', attempt: attemptId(attempt), state: 'CANCELED' });
  await job.run(20, () => false);
  expect(freed).toEqual([{ taskManager: 'woken', slot: 3 }]);
  expect(isRunning(job)).toBe(true);
  job.master.taskManagerReported('woken', [{ ...stale, state: 'FINISHED' }]);
  await job.run(20, () => false);
  expect(freed.length).toBe(2);
});
