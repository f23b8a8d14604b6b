import { expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type { TaskManagerRegistration } from '../../protocol/cluster-protocol.ts';
import type { CloseReason } from '../../rpc/rpc-connection.ts';
import type { TaskListener } from './job-directory.ts';
import { ResourceManager } from './resource-manager.ts';
import type { TaskManagerConnection } from './task-manager-session.ts';

const registrationOf = (resourceId: string, instanceId: string): TaskManagerRegistration => ({
  resourceId,
  instanceId,
  rpcAddress: `${instanceId}:1`,
  slots: 1,
  data: [],
  memoryBytes: 1,
  cores: 1,
});

/** A connection that says nothing, and ends when it is told to. */
const openConnection = () => {
  const closed = Promise.withResolvers<CloseReason>();
  const connection: Partial<TaskManagerConnection> = {
    closed: closed.promise,
    lastReceivedMs: 0,
    send: () => true,
    call: () => new Promise<never>(() => {}),
    close: () => closed.resolve({ kind: 'local' }),
  };
  return {
    connection: connection as TaskManagerConnection,
    end: () => closed.resolve({ kind: 'reset' }),
  };
};

const FENCE = { lineage: 'l', epoch: 1 };

const settled = (): Promise<void> => new Promise(setImmediate);

const start = () => {
  const clock = new ManualClock();
  const ready = Promise.withResolvers<void>();
  const lost: string[] = [];
  const heard: string[] = [];
  const alive = new Set<string>();
  const job: TaskListener = {
    report: ({ kind }) => heard.push(kind),
    metrics: () => {},
    taskManagerReported: () => heard.push('table'),
    taskManagerLost: (instanceId) => lost.push(instanceId),
  };
  const resources = new ResourceManager({
    fence: FENCE,
    ownInstanceId: 'the leader',
    clock,
    logger: silentLogger,
    heartbeat: { intervalMs: 1_000, timeoutMs: 6_000, failureThreshold: 2 },
    jobs: { find: () => job, loaded: () => [job], isKnown: () => true, hasEnded: () => false },
    ready: ready.promise,
    probe: async (address) => {
      const instanceId = address.split(':')[0]!;
      if (!alive.has(instanceId)) {
        throw new MillraceError('UNREACHABLE', 'nobody is there');
      }
      return instanceId;
    },
    challenged: () => {},
    changed: () => {},
  });
  return {
    clock,
    resources,
    ready: ready.resolve,
    lost,
    heard,
    alive,
    register: (connection: TaskManagerConnection, registration: TaskManagerRegistration) =>
      resources.register(connection, { registration, fence: undefined, attempts: [] }),
  };
};

test('a TaskManager that comes back and dies before its report is worked off is lost all the same', async () => {
  const { clock, ready, register, alive, lost } = start();
  ready();
  const registration = registrationOf('tm', 'one');
  alive.add('one');
  const first = openConnection();
  await register(first.connection, registration);
  clock.advanceBy(0);
  first.end();
  await settled();
  const second = openConnection();
  await register(second.connection, { ...registration });
  second.end();
  alive.delete('one');
  await settled();
  clock.advanceBy(0);
  await settled();
  expect(lost).toEqual(['one']);
});

test('of two living processes with one resource id that wait for the same leader one is refused', async () => {
  const { ready, register, alive, resources } = start();
  alive.add('one').add('two');
  const both = ['one', 'two'].map((instanceId) =>
    register(openConnection().connection, registrationOf('tm', instanceId)),
  );
  ready();
  const answers = await Promise.allSettled(both);
  expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(resources.hints).toHaveLength(1);
});

test('what comes right after a registration is heard after the table that it brought (R15)', async () => {
  const { clock, ready, register, resources, heard } = start();
  ready();
  const { connection } = openConnection();
  await register(connection, registrationOf('tm', 'one'));
  const attempt = `${'a'.repeat(32)}/1/v/0/1.1` as AttemptId;
  resources.taskReport(connection, FENCE, 'a'.repeat(32), { kind: 'ended', attempt });
  expect(heard).toEqual([]);
  clock.advanceBy(0);
  expect(heard).toEqual(['table', 'ended']);
});
