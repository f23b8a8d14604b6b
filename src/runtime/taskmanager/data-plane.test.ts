import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { DataLocation } from '../../foundation/common/data-location.ts';
import type { AttemptRef, JobId, VertexId } from '../../foundation/common/ids.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { TaskDeployment } from '../protocol/task-commands.ts';
import type { ThreadEvents } from './thread-host.ts';
import type { ThreadCommand } from './thread-protocol.ts';
import { TaskManager } from './task-manager.ts';

interface FakeThread {
  readonly index: number;
  readonly dataPort: number | undefined;
  readonly events: ThreadEvents;
  readonly commands: ThreadCommand[];
}

const setUp = (slots: number) => {
  const clock = new ManualClock();
  const threads: FakeThread[] = [];
  const located: (readonly DataLocation[])[] = [];
  const lost: unknown[] = [];
  const quiet = (): void => {};
  const manager = new TaskManager({
    slots,
    threads: 2,
    instanceId: 'own',
    clock,
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    events: {
      client: quiet,
      console: quiet,
      located: (locations) => void located.push(locations),
      connectionLost: (remote, reason) => void lost.push({ remote, reason }),
    },
    cancellationTimeoutMs: 0,
    cancellationIntervalMs: 0,
    startThread: (index, events, dataPort) => {
      const thread: FakeThread = { index, dataPort, events, commands: [] };
      threads.push(thread);
      return { send: (command) => void thread.commands.push(command), terminate: () => Promise.resolve() };
    },
  });
  manager.register({ report: quiet, metrics: quiet });
  const ready = (thread: number, port: number): void =>
    threads.findLast(({ index }) => index === thread)!.events.report({ kind: 'ready', data: { host: 'h', port } });
  return { clock, threads, located, lost, manager, ready };
};

const DIED = new MillraceError('WORKER_DIED', 'it died');

describe('the threads of a TaskManager of several', () => {
  test('are announced, by slot, when all of them listen', async () => {
    const { manager, located, ready } = setUp(3);
    ready(1, 201);
    expect(located).toEqual([]);
    ready(0, 200);
    const slots = [0, 1, 0].map((thread) => ({ instanceId: 'own', thread, host: 'h', port: 200 + thread }));
    expect(located).toEqual([slots]);
    expect(await manager.listening()).toEqual(slots);
  });

  test('start again when they die, as others may send to them, under their port, and are announced again', () => {
    const { threads, located, ready } = setUp(2);
    ready(0, 200);
    ready(1, 201);
    threads[0]!.events.died(DIED);
    expect(threads[2]).toMatchObject({ index: 0, dataPort: 200 });
    ready(0, 300);
    expect(located.at(-1)).toMatchObject([{ port: 300 }, { port: 201 }]);
  });

  test('that die before they listen start again after a pause only', () => {
    const { threads, clock } = setUp(2);
    threads[0]!.events.died(DIED);
    expect(threads).toHaveLength(2);
    clock.advanceBy(1_000);
    expect(threads).toHaveLength(3);
  });

  test('that cannot listen make it known, with the reason', async () => {
    const { manager, threads } = setUp(2);
    const error = { name: 'MillraceError', code: 'PORT_IN_USE', message: 'no port' };
    threads[0]!.events.report({ kind: 'unreachable', error });
    await expect(manager.listening()).rejects.toMatchObject({ code: 'PORT_IN_USE', message: 'no port' });
  });

  test('report whom they lost', () => {
    const { threads, lost } = setUp(2);
    const remote = { instanceId: 'other', thread: 3 };
    threads[1]!.events.report({ kind: 'connection-lost', remote, reason: 'it broke' });
    expect(lost).toEqual([{ remote, reason: 'it broke' }]);
  });

  test('connect to producers of this process directly, to others by their address', () => {
    const { manager, threads } = setUp(2);
    const ref = (subtask: number): AttemptRef => ({
      job: 'j' as JobId,
      graphVersion: 1,
      vertex: 'v' as VertexId,
      subtask,
      generation: { epoch: 1, number: 1 },
    });
    const own: DataLocation = { instanceId: 'own', thread: 1, host: 'h', port: 1 };
    const other: DataLocation = { instanceId: 'other', thread: 1, host: 'o', port: 2 };
    const consumer = ref(9);
    manager.deploy({ lineage: 'l', epoch: 1 }, [
      {
        attempt: consumer,
        instanceId: 'own',
        slot: 0,
        producers: { [attemptId(ref(0))]: own, [attemptId(ref(1))]: other },
        inputs: [
          { edge: 0, channels: [0, 1].map((subtask) => ({ channel: subtask, producer: ref(subtask), consumer })) },
        ],
        outputs: [],
        graph: {},
        program: {},
      } as unknown as TaskDeployment,
    ]);
    expect(threads[0]!.commands.find(({ kind }) => kind === 'deploy')).toMatchObject({
      tasks: [
        {
          producers: {
            [attemptId(ref(0))]: { kind: 'thread', thread: 1 },
            [attemptId(ref(1))]: { kind: 'remote', location: other },
          },
        },
      ],
    });
  });
});
