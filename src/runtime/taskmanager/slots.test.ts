import { describe, expect, test } from 'vitest';
import { checkpointId, type OperatorId } from '../../foundation/common/ids.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Fence, TaskReport } from '../protocol/task-commands.ts';
import { TaskManager } from './task-manager.ts';
import { THREAD_END_MS } from './thread-pool.ts';
import { deploymentOf, FakeThreads, idOf } from './test-support/fake-threads.ts';

const FENCE: Fence = { lineage: 'l', epoch: 1 };
const A = 'job-a';
const B = 'job-b';

const setUp = () => {
  const threads = new FakeThreads();
  const reports: TaskReport[] = [];
  const consoleJobs: (string | undefined)[] = [];
  const stuck: string[] = [];
  const clock = new ManualClock();
  const manager = new TaskManager({
    slots: 2,
    threads: 2,
    startThread: threads.start,
    clock,
    logger: silentLogger,
    events: {
      client: () => {},
      console: (_line, jobName) => void consoleJobs.push(jobName),
      stuck: ({ message }) => void stuck.push(message),
    },
    cancellationTimeoutMs: 10_000,
    cancellationIntervalMs: 0,
  });
  manager.register({ report: (report) => void reports.push(report), metrics: () => {} });
  const states = (): string[] =>
    reports.flatMap((report) =>
      report.kind === 'state' ? [`${report.attempt} ${report.state} ${report.error?.code ?? ''}`.trimEnd()] : [],
    );
  return { threads, manager, states, reports, consoleJobs, clock, stuck };
};

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('R15: what comes twice', () => {
  test('a deployment starts its task once, and not again after its end', () => {
    const { manager, threads } = setUp();
    const task = deploymentOf(A, 0);
    manager.deploy(FENCE, [task]);
    manager.deploy(FENCE, [task]);
    threads.state(0, idOf(task), 'RUNNING');
    threads.state(0, idOf(task), 'FINISHED');
    manager.deploy(FENCE, [task]);
    expect(threads.deployed(0)).toEqual([idOf(task)]);
    expect(manager.reports).toMatchObject([{ state: 'FINISHED' }]);
  });

  test('splits go to the reader once', () => {
    const { manager, threads } = setUp();
    const task = deploymentOf(A, 0);
    manager.deploy(FENCE, [task]);
    const operatorId = 'o' as OperatorId;
    const give = (...ids: string[]): void =>
      manager.command(FENCE, idOf(task), { kind: 'splits', operatorId, splits: ids.map((id) => ({ id })) });
    give('1', '2');
    give('1', '2', '3');
    const given = threads.commands(0).flatMap((command) => (command.kind === 'splits' ? command.splits : []));
    expect(given).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }]);
    expect(manager.reports[0]?.readers[0]?.accepted).toHaveLength(3);
  });

  test('a cancellation of what has ended is answered with how it ended', () => {
    const { manager, threads, states } = setUp();
    const task = deploymentOf(A, 0);
    manager.deploy(FENCE, [task]);
    threads.state(0, idOf(task), 'FINISHED');
    manager.command(FENCE, idOf(task), { kind: 'cancel' });
    expect(states()).toEqual([`${idOf(task)} FINISHED`, `${idOf(task)} FINISHED`]);
    expect(threads.commands(0)).toEqual([]);
  });
});

describe('R15: the table', () => {
  test('changes before a command or a report goes on', () => {
    const { manager, threads } = setUp();
    const task = deploymentOf(A, 0);
    const seen: string[] = [];
    manager.register({
      report: () => void seen.push(`report, table says ${manager.reports[0]?.state}`),
      metrics: () => {},
    });
    manager.deploy(FENCE, [task]);
    threads.state(0, idOf(task), 'INITIALIZING');
    threads.state(0, idOf(task), 'RUNNING');
    expect(seen).toEqual(['report, table says INITIALIZING', 'report, table says RUNNING']);
  });

  test('hears of everything while nobody leads, and tells it all', () => {
    const { manager, threads, reports } = setUp();
    const [first, second] = [deploymentOf(A, 0), deploymentOf(A, 1)];
    manager.deploy(FENCE, [first, second]);
    manager.register(undefined);
    threads.state(0, idOf(first), 'RUNNING');
    threads.reports(0, { kind: 'ended', attempt: idOf(first) });
    threads.state(1, idOf(second), 'FAILED');
    expect(reports).toEqual([]);
    expect(manager.reports).toMatchObject([
      { attempt: first.attempt, slot: 0, state: 'RUNNING', ended: true },
      { attempt: second.attempt, slot: 1, state: 'FAILED' },
    ]);
  });

  test('keeps accepted splits until two completed checkpoints cover them: the newest may turn out to be broken (R5)', () => {
    const { manager } = setUp();
    const task = deploymentOf(A, 0);
    manager.deploy(FENCE, [task]);
    const operatorId = 'o' as OperatorId;
    manager.command(FENCE, idOf(task), { kind: 'splits', operatorId, splits: [{ id: '1' }] });
    const checkpoint = (id: number, split: string): void => {
      manager.command(FENCE, idOf(task), { kind: 'trigger', trigger: { checkpointId: checkpointId(id) } as never });
      manager.command(FENCE, idOf(task), { kind: 'splits', operatorId, splits: [{ id: split }] });
      manager.command(FENCE, idOf(task), { kind: 'completed', checkpointId: checkpointId(id) });
    };
    const accepted = (): unknown[] => [
      manager.reports[0]?.acceptedSince,
      ...manager.reports[0]!.readers[0]!.accepted.map(({ split }) => (split as { readonly id: string }).id),
    ];
    checkpoint(1, '2');
    expect(accepted()).toEqual([0, '1', '2']);
    checkpoint(2, '3');
    expect(accepted()).toEqual([1, '2', '3']);
    // A new leader tells the newest again.
    manager.command(FENCE, idOf(task), { kind: 'completed', checkpointId: checkpointId(2) });
    expect(accepted()).toEqual([1, '2', '3']);
  });
});

test('that a stop ended the input is no news to the leader that triggered it', () => {
  const { manager, threads, reports } = setUp();
  const task = deploymentOf(A, 0);
  manager.deploy(FENCE, [task]);
  const trigger = { checkpointId: checkpointId(1), stop: 'drain' } as never;
  manager.command(FENCE, idOf(task), { kind: 'trigger', trigger });
  threads.reports(0, { kind: 'ended', attempt: idOf(task) });
  expect(reports).toEqual([]);
});

describe('slots', () => {
  test('of a job with living tasks are refused to another job, which harms nothing', () => {
    const { manager, threads, states } = setUp();
    const own = deploymentOf(A, 0);
    const stranger = deploymentOf(B, 0);
    manager.deploy(FENCE, [own]);
    manager.deploy(FENCE, [stranger, deploymentOf(B, 1)]);
    expect(states()).toEqual([`${idOf(stranger)} FAILED SLOT_OCCUPIED`]);
    expect(threads.deployed(0)).toEqual([idOf(own)]);
    expect(threads.deployed(1)).toHaveLength(1);
    expect(threads.at(0).terminated).toBe(false);
    // It was refused for good: what comes again is not a new attempt.
    threads.state(0, idOf(own), 'FINISHED');
    manager.deploy(FENCE, [stranger]);
    expect(threads.deployed(0)).toEqual([idOf(own)]);
  });

  test('R1: a subtask whose older attempt lives is not started a second time', () => {
    const { manager, threads, states } = setUp();
    const [old, next] = [deploymentOf(A, 0), deploymentOf(A, 1, { subtask: 0, number: 2 })];
    manager.deploy(FENCE, [old]);
    manager.deploy(FENCE, [next]);
    expect(states()).toEqual([`${idOf(next)} FAILED SLOT_OCCUPIED`]);
    threads.state(0, idOf(old), 'CANCELED');
    const third = deploymentOf(A, 1, { subtask: 0, number: 3 });
    manager.deploy(FENCE, [third]);
    expect(threads.deployed(1)).toEqual([idOf(third)]);
    expect(manager.reports.map(({ attempt }) => attempt)).toEqual([third.attempt]);
  });

  test('that do not exist are refused', () => {
    const { manager, states } = setUp();
    manager.deploy(FENCE, [deploymentOf(A, 2)]);
    expect(states()).toEqual([`${idOf(deploymentOf(A, 2))} FAILED SLOT_OCCUPIED`]);
  });

  test('of a released job get a clean thread, and the next job waits for it', async () => {
    const { manager, threads, states } = setUp();
    manager.deploy(FENCE, [deploymentOf(A, 0)]);
    const used = threads.at(0);
    threads.state(0, idOf(deploymentOf(A, 0)), 'FINISHED');
    manager.releaseJob(FENCE, A);
    manager.releaseJob(FENCE, A);
    expect(manager.reports).toEqual([]);
    expect(used.terminated).toBe(true);
    expect(threads.at(1).terminated).toBe(false);
    const [first, second] = [deploymentOf(B, 0), deploymentOf(B, 1)];
    manager.deploy(FENCE, [first, second]);
    manager.command(FENCE, idOf(second), { kind: 'no-more-splits', operatorId: 'o' as OperatorId });
    // Neither the thread that is not there yet, nor one whose tasks would look for it.
    expect(threads.deployed(1)).toEqual([]);
    // The old thread has nothing to say any more.
    used.events.report({ kind: 'task', report: { kind: 'state', attempt: idOf(first), state: 'FAILED' } });
    used.gone();
    await settled();
    expect(threads.at(0)).not.toBe(used);
    expect(threads.deployed(0)).toEqual([idOf(first)]);
    expect(threads.deployed(1)).toEqual([idOf(second)]);
    expect(threads.commands(1)).toHaveLength(1);
    expect(states()).toEqual([`${idOf(deploymentOf(A, 0))} FINISHED`]);
  });

  test('that a job has left without being released are cleaned when another one comes', async () => {
    const { manager, threads } = setUp();
    manager.deploy(FENCE, [deploymentOf(A, 0)]);
    threads.state(0, idOf(deploymentOf(A, 0)), 'FAILED');
    manager.deploy(FENCE, [deploymentOf(A, 0, { number: 2 })]);
    expect(threads.at(0).terminated).toBe(false);
    threads.state(0, idOf(deploymentOf(A, 0, { number: 2 })), 'FAILED');
    manager.deploy(FENCE, [deploymentOf(B, 0)]);
    expect(threads.at(0).terminated).toBe(true);
    threads.at(0).gone();
    await settled();
    expect(threads.deployed(0)).toEqual([idOf(deploymentOf(B, 0))]);
  });

  test('tell whose output a thread prints', () => {
    const { manager, threads, consoleJobs } = setUp();
    manager.deploy(FENCE, [deploymentOf(A, 1)]);
    threads.at(1).events.report({ kind: 'console', level: 'info', text: 'x', source: '' });
    threads.at(0).events.report({ kind: 'console', level: 'info', text: 'x', source: '' });
    expect(consoleJobs).toEqual([`name of ${A}`, undefined]);
  });
});

describe('R12: another lineage', () => {
  test('ends what runs at once, and nothing of it is told', async () => {
    const { manager, threads, reports } = setUp();
    const task = deploymentOf(A, 0);
    manager.deploy(FENCE, [task]);
    manager.command(FENCE, idOf(task), { kind: 'cancel' });
    manager.startAfresh();
    expect(manager.reports).toEqual([]);
    expect(threads.started.map(({ terminated }) => terminated)).toEqual([true, false]);
    threads.at(0).gone();
    await settled();
    expect(threads.started).toHaveLength(3);
    expect(reports).toEqual([]);
  });
});

describe('cancelAll', () => {
  test('resolves when the last task has ended, or its thread was given up', async () => {
    const { manager, threads, clock } = setUp();
    const [first, second] = [deploymentOf(A, 0), deploymentOf(B, 1)];
    manager.deploy(FENCE, [first, second]);
    let isDone = false;
    void manager.cancelAll().then(() => {
      isDone = true;
    });
    threads.state(0, idOf(first), 'CANCELED');
    await settled();
    expect(isDone).toBe(false);
    clock.advanceBy(10_000);
    threads.at(1).gone();
    await settled();
    expect(isDone).toBe(true);
    expect(manager.reports.map(({ state }) => state)).toEqual(['CANCELED', 'FAILED']);
  });

  test('resolves at once where nothing runs', async () => {
    await setUp().manager.cancelAll();
  });
});

describe('a thread that was told to end', () => {
  const cancelled = async () => {
    const world = setUp();
    const task = deploymentOf(A, 0);
    world.manager.deploy(FENCE, [task]);
    world.threads.state(0, idOf(task), 'RUNNING');
    world.manager.command(FENCE, idOf(task), { kind: 'cancel' });
    world.clock.advanceBy(10_000);
    expect(world.threads.at(0).terminated).toBe(true);
    return { ...world, task, ended: world.threads.at(0) };
  };

  test('and ends in time takes only its task with it', async () => {
    const { ended, clock, states, stuck, task } = await cancelled();
    clock.advanceBy(THREAD_END_MS - 1);
    ended.gone();
    await settled();
    clock.advanceBy(THREAD_END_MS);
    expect(states()).toEqual([`${idOf(task)} RUNNING`, `${idOf(task)} FAILED TIMEOUT`]);
    expect(stuck).toEqual([]);
  });

  test('and does not is told once, with what it was ended for; its task has not ended', async () => {
    const { clock, states, stuck, task } = await cancelled();
    clock.advanceBy(THREAD_END_MS);
    clock.advanceBy(10 * THREAD_END_MS);
    await settled();
    expect(stuck).toEqual([
      expect.stringMatching(
        /^task thread 0 was told to end 10 s ago \(task job-a\S* did not end within task\.cancellation\.timeout \(10000 ms\).*execSync/,
      ),
    ]);
    expect(states()).toEqual([`${idOf(task)} RUNNING`]);
  });

  test('so that the next job gets a clean one, and does not, is told too', async () => {
    const { manager, clock, stuck } = setUp();
    manager.deploy(FENCE, [deploymentOf(A, 0)]);
    manager.releaseJob(FENCE, A);
    clock.advanceBy(THREAD_END_MS);
    expect(stuck).toEqual([
      expect.stringContaining('task thread 0 was told to end 10 s ago (its slot gets a clean one)'),
    ]);
  });

  test('with the whole TaskManager, and does not, is told too', async () => {
    const { manager, clock, stuck, threads } = setUp();
    const stopped = manager.stop();
    threads.at(1).gone();
    await settled();
    clock.advanceBy(THREAD_END_MS);
    expect(stuck).toEqual([expect.stringContaining('task thread 0 was told to end 10 s ago (the TaskManager stops)')]);
    threads.at(0).gone();
    await stopped;
  });
});

describe('local copies of state', () => {
  const withCare = () => {
    const threads = new FakeThreads();
    const told: string[] = [];
    const manager = new TaskManager({
      slots: 3,
      threads: 3,
      startThread: threads.start,
      clock: new ManualClock(),
      logger: silentLogger,
      events: { client: () => {}, console: () => {} },
      cancellationTimeoutMs: 10_000,
      cancellationIntervalMs: 0,
      localState: {
        completed: (job, id, here) => void told.push(`${job} completed ${id}: ${[...here()].join(' ')}`),
        released: (job, ended) => {
          told.push(`${job} is over`);
          void ended.then(() => told.push(`threads of ${job} have ended`));
        },
      },
    });
    return { threads, manager, told };
  };

  test('a completed checkpoint is told with the subtasks that run or have finished here', () => {
    const { manager, threads, told } = withCare();
    const tasks = [deploymentOf(A, 0), deploymentOf(A, 1), deploymentOf(A, 2)];
    manager.deploy(FENCE, tasks);
    threads.state(1, idOf(tasks[1]!), 'FINISHED');
    threads.state(2, idOf(tasks[2]!), 'FAILED');
    manager.command(FENCE, idOf(tasks[0]!), { kind: 'completed', checkpointId: checkpointId(3) });
    expect(told).toEqual([`${A} completed 3: v-0 v-1`]);
  });

  test('the end of a job is told, and when nothing of it writes any more', async () => {
    const { manager, threads, told } = withCare();
    manager.deploy(FENCE, [deploymentOf(A, 0)]);
    manager.releaseJob(FENCE, A);
    await settled();
    expect(told).toEqual([`${A} is over`]);
    threads.at(0).gone();
    await settled();
    expect(told).toEqual([`${A} is over`, `threads of ${A} have ended`]);
  });

  test('another lineage ends all (R12)', async () => {
    const { manager, told } = withCare();
    manager.startAfresh();
    await settled();
    expect(told).toEqual(['undefined is over', 'threads of undefined have ended']);
  });
});
