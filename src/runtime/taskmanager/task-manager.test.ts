import { describe, expect, test } from 'vitest';
import type { AttemptId, AttemptRef, JobId, VertexId } from '../../foundation/common/ids.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Fence, TaskDeployment, TaskReport } from '../protocol/task-commands.ts';
import { TaskManager } from './task-manager.ts';
import type { TaskManagerOptions } from './task-manager.ts';
import type { ThreadEvents } from './thread-host.ts';
import type { ThreadCommand, ThreadMemory } from './thread-protocol.ts';

interface FakeThread {
  readonly index: number;
  readonly commands: ThreadCommand[];
  readonly events: ThreadEvents;
  terminated: boolean;
  /** Lets `terminate` resolve. */
  gone: () => void;
}

const FENCE: Fence = { lineage: 'l', epoch: 2 };
const MIB = 1_048_576;

const deployment = (slot: number, number = 1): TaskDeployment => {
  const attempt: AttemptRef = {
    job: 'j' as JobId,
    graphVersion: 1,
    vertex: `v${slot}` as VertexId,
    subtask: 0,
    generation: { epoch: 1, number },
  };
  return { attempt, slot, inputs: [], outputs: [], graph: {}, program: {} } as unknown as TaskDeployment;
};
const idOf = ({ attempt }: TaskDeployment): AttemptId => attemptId(attempt);

const setUp = (options: Partial<TaskManagerOptions> = {}) => {
  const clock = new ManualClock();
  const threads: FakeThread[] = [];
  const reports: TaskReport[] = [];
  const warnings: string[] = [];
  let refuse: Error | undefined;
  const memory = new Map<number, ThreadMemory>();
  const manager = new TaskManager({
    slots: 2,
    threads: 2,
    clock,
    logger: {
      debug: () => {},
      info: () => {},
      warn: (message) => void warnings.push(message),
      error: (message) => void warnings.push(message),
    },
    events: { client: () => {}, console: () => {} },
    cancellationTimeoutMs: 10_000,
    cancellationIntervalMs: 4_000,
    startThread: (index, events) => {
      if (refuse !== undefined) {
        throw refuse;
      }
      const thread: FakeThread = { index, commands: [], events, terminated: false, gone: () => {} };
      threads.push(thread);
      return {
        send: (command) => void thread.commands.push(command),
        terminate: () => {
          thread.terminated = true;
          return new Promise<void>((resolve) => {
            thread.gone = resolve;
          });
        },
        memory: () => Promise.resolve(memory.get(index) ?? { heapUsedBytes: 0, arrayBufferBytes: 0 }),
      };
    },
    ...options,
  });
  manager.register({ report: (report) => void reports.push(report), metrics: () => {} });
  return {
    clock,
    threads,
    reports,
    warnings,
    manager,
    memory,
    refuseThreads: (error: Error) => {
      refuse = error;
    },
  };
};

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const kinds = (thread: FakeThread): string[] => thread.commands.map(({ kind }) => kind);

describe('TaskManager', () => {
  test('a killed thread is reported when nothing of it runs any more, and starts again with the next deployment', async () => {
    const { manager, threads, reports } = setUp();
    const [first, second] = [deployment(0), deployment(1)];
    manager.deploy(FENCE, [first, second]);
    const killing = manager.killThread(0);
    await settled();
    expect(threads[0]!.terminated).toBe(true);
    expect(reports).toEqual([]);
    threads[0]!.gone();
    await killing;
    expect(reports).toEqual([
      expect.objectContaining({
        attempt: idOf(first),
        state: 'FAILED',
        error: expect.objectContaining({ code: 'WORKER_DIED' }),
      }),
    ]);
    expect(kinds(threads[1]!)).toEqual(['connect', 'deploy', 'disconnect']);
    expect(threads).toHaveLength(2);
    manager.deploy(FENCE, [deployment(0, 2)]);
    expect(threads).toHaveLength(3);
    expect(kinds(threads[2]!)).toEqual(['connect', 'deploy']);
    expect(kinds(threads[1]!).at(-1)).toBe('connect');
  });

  test('a thread that dies again and again is not started without a deployment', () => {
    const { manager, threads } = setUp();
    threads[0]!.events.died(new MillraceError('WORKER_DIED', 'it died'));
    expect(threads).toHaveLength(2);
    manager.deploy(FENCE, [deployment(0)]);
    expect(threads).toHaveLength(3);
  });

  test('a thread that cannot be started fails what was deployed to it', () => {
    const { manager, threads, reports, refuseThreads } = setUp();
    threads[0]!.events.died(new MillraceError('WORKER_DIED', 'it died'));
    refuseThreads(new Error('no more threads'));
    manager.deploy(FENCE, [deployment(0), deployment(1)]);
    expect(reports).toEqual([
      expect.objectContaining({
        attempt: idOf(deployment(0)),
        error: expect.objectContaining({ message: expect.stringContaining('no more threads') }),
      }),
    ]);
    expect(kinds(threads[1]!)).toContain('deploy');
  });

  test('what a thread said before its successor came counts for nothing', async () => {
    const { manager, threads, reports } = setUp();
    manager.deploy(FENCE, [deployment(0)]);
    const old = threads[0]!;
    old.events.died(new MillraceError('WORKER_DIED', 'it died'));
    const next = deployment(0, 2);
    manager.deploy(FENCE, [next]);
    old.events.report({ kind: 'task', report: { kind: 'state', attempt: idOf(next), state: 'FINISHED' } });
    old.events.died(new MillraceError('WORKER_DIED', 'again'));
    expect(reports).toHaveLength(1);
    expect(manager.load()).toEqual([1, 0]);
  });

  test('a task that does not end when cancelled is warned about, then takes its thread with it', async () => {
    const { manager, clock, threads, reports, warnings } = setUp();
    const task = deployment(0);
    manager.deploy(FENCE, [task]);
    manager.command(FENCE, idOf(task), { kind: 'cancel' });
    clock.advanceBy(9_999);
    expect(warnings.filter((warning) => warning.includes('has not ended for'))).toHaveLength(2);
    expect(threads[0]!.terminated).toBe(false);
    clock.advanceBy(1);
    expect(threads[0]!.terminated).toBe(true);
    threads[0]!.gone();
    await settled();
    expect(reports).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: 'TIMEOUT' }), attempt: idOf(task) }),
    ]);
  });

  test('a task that failed and does not close takes its thread with it too', () => {
    const { manager, clock, threads } = setUp();
    const task = deployment(0);
    manager.deploy(FENCE, [task]);
    threads[0]!.events.report({ kind: 'failing', attempt: idOf(task) });
    clock.advanceBy(10_000);
    expect(threads[0]!.terminated).toBe(true);
  });

  test('task.cancellation.timeout 0 waits for ever', () => {
    const { manager, clock, threads } = setUp({ cancellationTimeoutMs: 0, cancellationIntervalMs: 0 });
    const task = deployment(0);
    manager.deploy(FENCE, [task]);
    manager.command(FENCE, idOf(task), { kind: 'cancel' });
    clock.advanceBy(100_000_000);
    expect(threads[0]!.terminated).toBe(false);
    expect(clock.timerCount).toBe(0);
  });

  test('no timer is left of a task that ended, nor of a manager that stopped', async () => {
    const { manager, clock, threads } = setUp();
    const [first, second] = [deployment(0), deployment(1)];
    manager.deploy(FENCE, [first, second]);
    for (const task of [first, second]) {
      manager.command(FENCE, idOf(task), { kind: 'cancel' });
    }
    threads[0]!.events.report({ kind: 'task', report: { kind: 'state', attempt: idOf(first), state: 'CANCELED' } });
    expect(clock.timerCount).toBe(1);
    const stopped = manager.stop();
    threads.forEach(({ gone }) => gone());
    await stopped;
    expect(clock.timerCount).toBe(0);
    expect(threads.every(({ terminated }) => terminated)).toBe(true);
  });

  test('a cancellation of what has ended is confirmed', () => {
    const { manager, reports } = setUp();
    manager.command(FENCE, 'gone' as AttemptId, { kind: 'cancel' });
    expect(reports).toEqual([{ kind: 'state', attempt: 'gone', state: 'CANCELED' }]);
  });

  test('I2: a lower epoch is refused', () => {
    const { manager, threads, warnings } = setUp();
    manager.deploy(FENCE, [deployment(0)]);
    manager.deploy({ lineage: 'l', epoch: 1 }, [deployment(1)]);
    expect(kinds(threads[1]!)).not.toContain('deploy');
    expect(warnings).toHaveLength(1);
  });

  test('acknowledges what the client took, when it took it', async () => {
    let take = (): void => {};
    const { threads } = setUp({
      events: {
        client: () =>
          new Promise((resolve) => {
            take = resolve;
          }),
        console: () => {},
      },
    });
    for (let i = 0; i < 255; i++) {
      threads[0]!.events.report({ kind: 'console', level: 'info', text: 'x', source: '' });
    }
    threads[0]!.events.report({ kind: 'client', jobId: 'j', channel: 'stdout', payload: 'x' });
    await settled();
    expect(kinds(threads[0]!)).not.toContain('taken');
    take();
    await settled();
    expect(threads[0]!.commands.at(-1)).toEqual({ kind: 'taken', count: 256 });
  });
});

describe('TaskManager and memory', () => {
  const limits = { heapBytes: 100 * MIB, offHeapBytes: 100 * MIB, processBytes: 1000 * MIB };
  const watched = (processKey?: string) => {
    let residentBytes = 50 * MIB;
    const own = processKey === undefined ? limits : { ...limits, processKey };
    const it = setUp({ memory: { limits: own, intervalMs: 50, residentBytes: () => residentBytes } });
    return {
      ...it,
      grow: async (to: number): Promise<void> => {
        residentBytes = to * MIB;
        it.clock.advanceBy(50);
        await settled();
      },
    };
  };
  const report = (thread: FakeThread, heapMib: number, buffersMib: number): void =>
    thread.events.report({
      kind: 'metrics',
      metrics: [],
      memory: { heapUsedBytes: heapMib * MIB, arrayBufferBytes: buffersMib * MIB },
    });

  test('a thread above its limit collects garbage first, and is left alone when that helped', () => {
    const { threads } = watched();
    report(threads[0]!, 120, 0);
    report(threads[0]!, 130, 0);
    expect(kinds(threads[0]!).filter((kind) => kind === 'collect')).toHaveLength(1);
    threads[0]!.events.report({ kind: 'collected', memory: { heapUsedBytes: 90 * MIB, arrayBufferBytes: 0 } });
    report(threads[0]!, 120, 0);
    expect(threads[0]!.terminated).toBe(false);
  });

  test.each([
    ['heap', 120, 0, 'taskmanager.memory.task.heap.size'],
    ['array buffers', 0, 120, 'taskmanager.memory.task.off-heap.size'],
  ])('a thread whose %s stay above the limit is ended', async (_what, heap, buffers, key) => {
    const { manager, threads, reports } = watched();
    manager.deploy(FENCE, [deployment(0), deployment(1)]);
    const memory = { heapUsedBytes: heap * MIB, arrayBufferBytes: buffers * MIB };
    threads[0]!.events.report({ kind: 'collected', memory });
    threads[0]!.gone();
    await settled();
    expect(threads.map(({ terminated }) => terminated)).toEqual([true, false]);
    expect(reports).toEqual([
      expect.objectContaining({
        attempt: idOf(deployment(0)),
        error: expect.objectContaining({ code: 'OUT_OF_MEMORY', message: expect.stringContaining(key) }),
      }),
    ]);
  });

  test('a burst inside one call is seen from outside', async () => {
    const { threads, memory, grow } = watched();
    memory.set(1, { heapUsedBytes: 0, arrayBufferBytes: 400 * MIB });
    await grow(500);
    expect(threads.map(({ terminated }) => terminated)).toEqual([false, true]);
  });

  test('threads are not looked into while the process does not grow', async () => {
    const { threads, memory, grow } = watched();
    await grow(60);
    memory.set(1, { heapUsedBytes: 0, arrayBufferBytes: 400 * MIB });
    await grow(60);
    await grow(62);
    expect(threads[1]!.terminated).toBe(false);
  });

  test('when the machine is full the largest thread goes, and then the process gets a moment', async () => {
    const { threads, memory, grow, clock } = watched();
    memory.set(0, { heapUsedBytes: 80 * MIB, arrayBufferBytes: 0 });
    memory.set(1, { heapUsedBytes: 90 * MIB, arrayBufferBytes: 0 });
    await grow(1100);
    await grow(1100);
    expect(threads.map(({ terminated }) => terminated)).toEqual([false, true]);
    threads[1]!.gone();
    await settled();
    await grow(1050);
    expect(threads[0]!.terminated).toBe(false);
    clock.advanceBy(2_000);
    await grow(1050);
    expect(threads[0]!.terminated).toBe(true);
  });

  test.each([
    ['above its own limit', 180, undefined, 'taskmanager.memory.task.heap.size'],
    ['within its own limit', 90, undefined, 'the machine has no more than 1000 MiB for it; use a larger machine'],
    ['within its own limit', 90, 'of.process', 'of.process leaves it no more than 1000 MiB; raise it'],
  ])('the one that has to go then is told what it is about: %s', async (_what, heap, processKey, words) => {
    const { manager, threads, memory, grow, reports } = watched(processKey);
    manager.deploy(FENCE, [deployment(0)]);
    memory.set(0, { heapUsedBytes: heap * MIB, arrayBufferBytes: 0 });
    await grow(1050);
    threads[0]!.gone();
    await settled();
    expect(reports).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({ code: 'OUT_OF_MEMORY', message: expect.stringContaining(words) }),
      }),
    ]);
  });

  test('no second thread goes when one has gone for its own limit', async () => {
    const { threads, memory, grow } = watched();
    memory.set(0, { heapUsedBytes: 99 * MIB, arrayBufferBytes: 99 * MIB });
    memory.set(1, { heapUsedBytes: 0, arrayBufferBytes: 400 * MIB });
    await grow(1100);
    await grow(1100);
    expect(threads.map(({ terminated }) => terminated)).toEqual([false, true]);
  });
});
