import { expect, test } from 'vitest';
import { InMemoryWorld } from '../test-support/in-memory-world.ts';
import { TestProcess } from '../test-support/transport-world.ts';
import { InMemoryNetwork } from './network.ts';

const connectedPair = async (world: InMemoryWorld) => {
  const server = world.process({ role: 'jobmanager' }, {}, 'a');
  const client = world.process({}, {}, 'b');
  await server.listen();
  const here = await world.settled(client.connect(server));
  await world.until(() => server.connections.length === 1);
  return { server, client, here, there: server.connections[0]! };
};

test('messages take as long as the network says, and keep their order', async () => {
  const delays = [50, 1, 1];
  const world = new InMemoryWorld(() => 0);
  const slow = new InMemoryNetwork({ clock: world.clock, delayMs: () => delays.shift() ?? 5 });
  const process = (host: string): TestProcess =>
    new TestProcess((context) => slow.transport(host, context), world.clock, {});
  const server = process('a');
  await server.listen();
  const here = await world.settled(process('b').connect(server));
  delays.splice(0, delays.length, 50, 1, 1);
  for (const text of ['1', '2', '3']) {
    here.send('note', { text });
  }
  await world.pass(49);
  expect(server.notes).toEqual([]);
  await world.pass(1);
  expect(server.notes).toEqual(['1', '2', '3']);
});

test('what is sent into a cut waits until it is healed, in one direction only', async () => {
  const world = new InMemoryWorld();
  const { server, client, here, there } = await connectedPair(world);
  world.network.cut('b', 'a');
  here.send('note', { text: 'to a' });
  there.send('note', { text: 'to b' });
  await world.pass(60_000);
  expect(server.notes).toEqual([]);
  expect(client.notes).toEqual(['to b']);
  expect(here.closeReason).toBeUndefined();
  world.network.heal('b', 'a');
  await world.pass(0);
  expect(server.notes).toEqual(['to a']);
  world.network.cut('b', 'a');
  const connecting = client.transport.connect(server.listener!.address, client.service, { timeoutMs: 100 });
  await expect(world.settled(connecting)).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test('a broken connection is broken on both sides, and what was on its way is lost', async () => {
  const world = new InMemoryWorld();
  const { server, here, there } = await connectedPair(world);
  here.send('note', { text: 'x' });
  world.network.break('a', 'b');
  expect(await world.settled(here.closed)).toMatchObject({ kind: 'broken' });
  expect(await world.settled(there.closed)).toMatchObject({ kind: 'broken' });
  expect(server.notes).toEqual([]);
});

test('a process that crashes is closed by its host, a lost host is silent', async () => {
  const world = new InMemoryWorld();
  const first = await connectedPair(world);
  first.there.send('note', { text: 'last words' });
  world.network.crash('a');
  expect(await world.settled(first.here.closed)).toEqual({ kind: 'peer' });
  expect(first.client.notes).toEqual(['last words']);
  expect(first.there.closeReason).toBeUndefined();
  await expect(world.settled(first.client.connect(first.server))).rejects.toMatchObject({ code: 'UNREACHABLE' });

  const second = await connectedPair(world);
  world.network.crash('a', { isHostLost: true });
  await world.pass(600_000);
  expect(second.here.closeReason).toBeUndefined();
});

test('a process that crashes while it connects never gets there', async () => {
  const world = new InMemoryWorld(() => 10);
  const server = world.process({ role: 'jobmanager' }, {}, 'a');
  await server.listen();
  for (const crashAfterMs of [0, 5, 10, 15, 20, 25]) {
    const client = world.process({}, {}, 'b');
    let isSettled = false;
    void client.connect(server).finally(() => {
      isSettled = true;
    });
    await world.pass(crashAfterMs);
    world.network.crash('b');
    await world.pass(1000);
    expect(isSettled).toBe(false);
    expect(server.listener!.connections.size).toBe(0);
  }
});

test('a paused process gets everything when it is woken', async () => {
  const world = new InMemoryWorld();
  const { server, client, here } = await connectedPair(world);
  world.network.pause('a');
  here.send('note', { text: 'x' });
  here.close();
  await world.pass(10_000);
  expect(server.notes).toEqual([]);
  world.network.resume('a');
  await world.until(() => server.connections[0]!.closeReason !== undefined);
  expect(server.notes).toEqual(['x']);
  expect(client.connections[0]?.closeReason).toEqual({ kind: 'local' });
});
