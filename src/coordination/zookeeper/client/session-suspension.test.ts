import { expect, test } from 'vitest';
import { connectWireZooKeeper } from './connect-zookeeper.ts';
import { ends } from './test-support/client-world.ts';
import { FakeNetwork, rest } from './test-support/fake-network.ts';
import { OP } from './wire-codes.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';

const DATA = new Uint8Array([1]);
const SESSION_MS = 3_000;

const suspendable = async () => {
  const network = new FakeNetwork();
  const clock = new ManualClock(1_000);
  const client = connectWireZooKeeper({
    ...{ connectString: 'a:1', sessionTimeoutMs: SESSION_MS, transport: network, clock },
  });
  await rest();
  network.link.welcome();
  await rest();
  const states: string[] = [];
  client.onState((state) => states.push(state));
  const pass = async (durationMs: number): Promise<void> => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 50) {
      clock.advanceBy(50);
      await rest();
    }
  };
  return { network, client, states, pass, ...ends() };
};

test('a suspended client drops its connection without a word, and takes no other until it is resumed', async () => {
  const { network, client, states, pass, list, track } = await suspendable();
  track('sent', client.set('/a', DATA));
  await rest();
  const dropped = network.link;
  dropped.takeFrames();
  client.suspend();
  client.suspend();
  await rest();
  expect([dropped.isDestroyed, dropped.takeFrames(), states]).toEqual([true, [], ['connecting']]);
  expect(list).toEqual(['sent CONNECTION_LOSS']);
  track('in time', client.set('/b', DATA));
  await pass(SESSION_MS);
  expect([network.links.length, list.length]).toEqual([1, 1]);
  client.resume();
  await rest();
  expect(network.link.welcome().sessionId).toBe(77n);
  await rest();
  expect(states).toEqual(['connecting', 'connected']);
  expect(network.link.take().map(({ op }) => op)).toEqual([OP.setData]);
});

test('what waits meanwhile gives up in its time, and a session that is over says so', async () => {
  const { network, client, states, pass, list, track } = await suspendable();
  client.suspend();
  track('waits', client.set('/b', DATA));
  await pass(2 * SESSION_MS + 50);
  expect(list).toEqual(['waits NOT_CONNECTED']);
  client.resume();
  await rest();
  network.link.welcome({ timeoutMs: 0 });
  await rest();
  expect(states).toEqual(['connecting', 'expired']);
  client.suspend();
  client.resume();
  await pass(SESSION_MS);
  expect(network.links).toHaveLength(2);
});

test('one that looks for a server when it is suspended stops to look', async () => {
  const { network, client, pass } = await suspendable();
  network.link.close('reset');
  await rest();
  const { length } = network.links;
  client.suspend();
  await pass(SESSION_MS);
  expect([network.links.length, network.link.isDestroyed]).toEqual([length, true]);
  await client.close();
  client.resume();
  await pass(SESSION_MS);
  expect([network.links.length, client.state]).toEqual([length, 'closed']);
});
