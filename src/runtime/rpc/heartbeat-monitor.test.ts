import { expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import type { HeartbeatLoss } from './heartbeat-core.ts';
import { HeartbeatMonitor } from './heartbeat-monitor.ts';
import { InMemoryWorld } from './test-support/in-memory-world.ts';
import type { TestConnection } from './test-support/test-protocol.ts';

const HEARTBEAT = { intervalMs: 1000, timeoutMs: 6000, failureThreshold: 2 };

const monitored = async (names: readonly string[]) => {
  const world = new InMemoryWorld();
  const server = world.process({ role: 'jobmanager' }, {}, 'jm');
  await server.listen();
  const lost: HeartbeatLoss[] = [];
  const makeMonitor = (): HeartbeatMonitor =>
    new HeartbeatMonitor({
      clock: world.clock,
      logger: silentLogger,
      heartbeat: HEARTBEAT,
      onLost: (loss) => lost.push(loss),
    });
  const target = (connection: TestConnection) => ({
    beat: () => connection.send('note', { text: 'beat' }),
    lastReceivedMs: () => connection.lastReceivedMs,
  });
  const monitor = makeMonitor();
  const clients = [];
  for (const name of names) {
    const client = world.process({ resourceId: name }, {}, name);
    const here = await world.settled(client.connect(server));
    const own = makeMonitor();
    own.watch('jm', target(here));
    clients.push({ client, own, here });
  }
  await world.until(() => server.connections.length === names.length);
  for (const connection of server.connections) {
    monitor.watch(connection.peer.resourceId, target(connection));
  }
  return { world, server, monitor, clients, lost, target };
};

test('both sides hear each other', async () => {
  const { world, lost, server, clients } = await monitored(['a', 'b']);
  await world.pass(100);
  for (let second = 0; second < 60; second++) {
    await world.pass(1000);
  }
  expect(lost).toEqual([]);
  expect(server.notes.length).toBe(2 * 61);
  expect(clients[0]?.client.notes.length).toBe(61);
});

test('a cut cable is noticed after the timeout, a paused process too', async () => {
  const { world, lost, monitor, clients } = await monitored(['a', 'b', 'c']);
  clients.forEach(({ own }) => own.forget('jm'));
  const deadline = async (): Promise<number> => {
    const start = world.clock.monotonic();
    await world.until(() => lost.length > 0);
    return world.clock.monotonic() - start;
  };
  for (const { own, here } of clients) {
    own.watch('jm', {
      beat: () => here.send('note', { text: 'beat' }),
      lastReceivedMs: () => world.clock.monotonic(),
    });
  }
  await world.pass(2500);
  world.network.cut('a', 'jm');
  expect(await deadline()).toBeLessThanOrEqual(6001);
  expect(lost.splice(0)).toMatchObject([{ id: 'a', kind: 'silent' }]);
  clients[1]?.own.stop();
  expect(await deadline()).toBeLessThanOrEqual(6001);
  expect(lost.splice(0)).toMatchObject([{ id: 'b' }]);
  await world.pass(20_000);
  expect(lost).toEqual([]);
  monitor.stop();
  await world.pass(20_000);
  expect(lost).toEqual([]);
});

test('a connection that is gone counts as unreachable before the timeout', async () => {
  const { world, lost, clients } = await monitored(['a']);
  await world.pass(1500);
  const own = clients[0]!;
  own.own.watch('jm', { beat: () => false, lastReceivedMs: () => own.here.lastReceivedMs });
  const start = world.clock.monotonic();
  await world.until(() => lost.length > 0);
  expect(lost).toMatchObject([{ id: 'jm', kind: 'unreachable' }]);
  expect(world.clock.monotonic() - start).toBeLessThanOrEqual(3001);
});

test('a heartbeat that cannot be made is one that was not sent', async () => {
  const { world, lost, monitor } = await monitored(['a']);
  monitor.watch('a', {
    beat: () => {
      throw new Error('no');
    },
    lastReceivedMs: () => world.clock.monotonic(),
  });
  await world.until(() => lost.length > 0);
  expect(lost).toMatchObject([{ id: 'a', kind: 'unreachable' }]);
});
