import { describe, expect, test } from 'vitest';
import { ClientWorld } from './test-support/client-world.ts';
import { rest, writeStat, type FakeLink } from './test-support/fake-network.ts';
import type { JuteWriter } from './jute-writer.ts';
import { OP, XID } from './wire-codes.ts';

const DATA = new Uint8Array([1, 2]);

/** Answers what the client asks until it asks no more: every read with the same node. */
const serve = async (link: FakeLink, zxid = 10n): Promise<readonly number[]> => {
  const ops: number[] = [];
  for (;;) {
    await rest();
    const requests = link.take();
    if (requests.length === 0) {
      return ops;
    }
    for (const { xid, op } of requests) {
      ops.push(op);
      link.answer(xid, zxid, 0, (writer: JuteWriter) =>
        op === OP.getData
          ? writeStat(writer.buffer(DATA))
          : op === OP.setData || op === OP.exists
            ? writeStat(writer)
            : op === OP.getChildren2
              ? writeStat(writer.int(0))
              : writer.string('/'),
      );
    }
  }
};

describe('a connection', () => {
  test('says hello, is welcomed, and says where the session was on the next one', async () => {
    const world = new ClientWorld();
    await rest();
    expect(world.client.state).toBe('connecting');
    expect(world.network.link.welcome()).toEqual({ seenZxid: 0n, sessionId: 0n });
    await rest();
    expect(world.client.session).toEqual({ id: 77n, password: new Uint8Array(16).fill(9), timeoutMs: 3_000 });
    world.track('get', world.client.get('/a'));
    await serve(world.network.link, 42n);
    expect(world.ended).toEqual(['get ok']);
    world.network.link.close();
    await world.reconnected();
    expect(world.network.link.welcome()).toEqual({ seenZxid: 42n, sessionId: 77n });
    await rest();
    expect(world.states).toEqual(['connected', 'connecting', 'connected']);
  });

  test('is pinged after a third of the timeout, and given up after two thirds of silence', async () => {
    const world = await ClientWorld.connected();
    const { link } = world.network;
    await world.pass(990);
    expect(link.take(true)).toHaveLength(0);
    await world.pass(20);
    expect(link.take(true).map(({ xid, op }) => [xid, op])).toEqual([[XID.ping, OP.ping]]);
    link.answer(XID.ping, 5n);
    await world.pass(1_900);
    expect(world.client.state).toBe('connected');
    await world.pass(200);
    expect([world.client.state, link.isDestroyed]).toEqual(['connecting', true]);
  });

  test('has a third of the timeout to be welcomed, more in later rounds', async () => {
    const world = new ClientWorld();
    await rest();
    const first = world.network.link;
    first.listener.opened();
    await world.pass(990);
    expect(first.isDestroyed).toBe(false);
    await world.reconnected();
    expect(first.isDestroyed).toBe(true);
    const second = world.network.link;
    await world.pass(1_500);
    expect(second.isDestroyed).toBe(false);
    await world.pass(600);
    expect(second.isDestroyed).toBe(true);
  });
});

describe('operations', () => {
  test('wait for a connection and go in their order, behind identities and watches', async () => {
    const world = await ClientWorld.connected();
    const { client } = world;
    world.track(
      'watch',
      client.get('/a', () => {}),
    );
    world.track('auth', client.addAuth('digest', DATA));
    await rest();
    const [auth] = world.network.link.take().filter(({ op }) => op === OP.auth);
    world.network.link.answer(auth!.xid, 0n);
    world.network.link.close();
    await rest();
    world.track('set', client.set('/a', DATA));
    world.track('get', client.get('/a'));
    world.track('later auth', client.addAuth('digest', DATA));
    await world.reconnected();
    world.network.link.welcome();
    await rest();
    expect(world.network.link.take().map(({ op }) => op)).toEqual([OP.auth, OP.auth, OP.setData, OP.getData]);
    expect(world.ended).toEqual(['auth ok', 'watch CONNECTION_LOSS']);
  });

  test('that never could be sent give up after twice the timeout', async () => {
    const world = new ClientWorld();
    world.track('get', world.client.get('/a'));
    await world.pass(5_990);
    expect(world.ended).toEqual([]);
    await world.pass(20);
    expect(world.ended).toEqual(['get NOT_CONNECTED']);
    world.network.link.welcome();
    await rest();
    expect(world.network.link.take()).toEqual([]);
  });

  test('that nobody answers give up after twice the timeout, although pings are answered', async () => {
    const world = await ClientWorld.connected();
    const { link } = world.network;
    const heard: string[] = [];
    world.track(
      'get',
      world.client.get('/a', ({ kind }) => heard.push(kind)),
    );
    await rest();
    const [request] = link.take();
    for (let passed = 0; passed < 6_050; passed += 50) {
      await world.pass(50);
      link.answer(XID.ping, 1n);
    }
    expect(world.ended).toEqual(['get OPERATION_TIMEOUT']);
    // The answer comes after all: nobody waits, and no watch is set by it. The connection goes on.
    link.answer(request!.xid, 3n, 0, (writer) => writeStat(writer.buffer(DATA)));
    link.notify(3, '/a');
    world.track('set', world.client.set('/a', DATA));
    await serve(link);
    expect([world.ended[1], heard]).toEqual(['set ok', []]);
  });

  test('more than the limit are throttled, larger than the limit refused', async () => {
    const world = new ClientWorld({ operationsMax: 2, requestBytesMax: 100 });
    for (const name of ['one', 'two', 'three']) {
      world.track(name, world.client.get('/a'));
    }
    await rest();
    expect(world.ended).toEqual(['three THROTTLED']);
    world.track('large', world.client.set('/a', new Uint8Array(100)));
    await rest();
    expect(world.ended[1]).toBe('large BAD_ARGUMENTS');
  });

  test('that are bad reject, and are not sent', async () => {
    const world = await ClientWorld.connected();
    world.track('path', world.client.get('a'));
    world.track(
      'watch',
      world.client.addWatch('/a/', 'persistent', () => {}),
    );
    world.track('multi', world.client.multi([{ kind: 'delete', path: '' }]));
    await rest();
    expect(world.ended.toSorted()).toEqual(['multi BAD_ARGUMENTS', 'path BAD_ARGUMENTS', 'watch BAD_ARGUMENTS']);
    expect(world.network.link.take()).toEqual([]);
  });
});

describe('answers that make no sense', () => {
  test('an error that is not known is PROTOCOL', async () => {
    const world = await ClientWorld.connected();
    for (const error of [-4711, 3, -1, -2, -5]) {
      world.track(`${error}`, world.client.get('/a'));
      await rest();
      world.network.link.answer(world.network.link.take()[0]!.xid, 1n, error);
    }
    await rest();
    expect(world.ended).toEqual(['-4711', '3', '-1', '-2', '-5'].map((name) => `${name} PROTOCOL`));
    expect(world.client.state).toBe('connected');
  });

  test('a body that ends too early is PROTOCOL, the next answer counts', async () => {
    const world = await ClientWorld.connected();
    const { link } = world.network;
    world.track('short', world.client.get('/a'));
    world.track('next', world.client.get('/a'));
    await rest();
    const [short, next] = link.take();
    link.answer(short!.xid, 1n, 0, (writer) => writer.buffer(DATA));
    link.answer(next!.xid, 1n, 0, (writer) => writeStat(writer.buffer(DATA)));
    await rest();
    expect(world.ended).toEqual(['short PROTOCOL', 'next ok']);
  });

  test.each([
    ['an answer to another question', (link: FakeLink) => link.answer(99, 1n)],
    ['a frame that is too large', (link: FakeLink) => link.deliver(Buffer.from('7fffffff', 'hex'))],
    ['a frame without a header', (link: FakeLink) => link.deliverFrame(new Uint8Array(3))],
    [
      'an event without a path',
      (link: FakeLink) => link.deliver(Buffer.from('00000010ffffffffffffffffffffffff00000000', 'hex')),
    ],
  ])('%s ends the connection, not the client', async (_, deliver) => {
    const world = await ClientWorld.connected();
    world.track('one', world.client.get('/a'));
    world.track('two', world.client.get('/a'));
    await rest();
    deliver(world.network.link);
    await rest();
    expect(world.ended).toEqual(['one PROTOCOL', 'two CONNECTION_LOSS']);
    await world.reconnected();
    world.network.link.welcome();
    await rest();
    expect(world.client.state).toBe('connected');
  });
});

describe('a session', () => {
  test('that has expired is told at once, and so is all that waited', async () => {
    const world = await ClientWorld.connected();
    world.network.link.close();
    await rest();
    world.track('waiting', world.client.get('/a'));
    world.track(
      'watch',
      world.client.addWatch('/a', 'persistent', () => {}),
    );
    world.track('auth', world.client.addAuth('digest', DATA));
    await world.reconnected();
    world.network.link.welcome({ timeoutMs: 0 });
    await rest();
    expect(world.ended.toSorted()).toEqual([
      'auth SESSION_EXPIRED',
      'waiting SESSION_EXPIRED',
      'watch SESSION_EXPIRED',
    ]);
    expect(world.states).toEqual(['connected', 'connecting', 'expired']);
    world.track('late', world.client.get('/a'));
    await world.pass(10_000, 100);
    expect(world.ended[3]).toBe('late SESSION_EXPIRED');
    expect([world.network.links.length, world.clock.timerCount]).toEqual([2, 0]);
    await world.client.close();
    expect(world.client.state).toBe('expired');
  });

  test('that an answer calls expired is over', async () => {
    const world = await ClientWorld.connected();
    world.track('one', world.client.get('/a'));
    world.track('two', world.client.get('/b'));
    await rest();
    world.network.link.answer(world.network.link.take()[0]!.xid, 1n, -112);
    await rest();
    expect(world.ended).toEqual(['one SESSION_EXPIRED', 'two SESSION_EXPIRED']);
    expect([world.client.state, world.network.link.isDestroyed]).toEqual(['expired', true]);
  });

  test('that has moved is fetched back', async () => {
    const world = await ClientWorld.connected();
    world.track('set', world.client.set('/a', DATA));
    await rest();
    world.network.link.answer(world.network.link.take()[0]!.xid, 1n, -118);
    await world.reconnected();
    expect(world.ended).toEqual(['set SESSION_MOVED']);
    expect(world.network.link.welcome().sessionId).toBe(77n);
  });

  test('whose identity is refused is over', async () => {
    const world = await ClientWorld.connected();
    world.track('auth', world.client.addAuth('digest', DATA));
    world.track('get', world.client.get('/a'));
    await rest();
    world.network.link.answer(XID.auth, 0n, -115);
    await rest();
    expect(world.ended).toEqual(['auth AUTH_FAILED', 'get AUTH_FAILED']);
    expect(world.states).toEqual(['connected', 'auth-failed']);
  });

  test('is closed with a word to the server, in the same turn', async () => {
    const world = await ClientWorld.connected();
    world.track('get', world.client.get('/a'));
    world.track('close', world.client.close());
    const requests = world.network.link.take();
    expect(requests.map(({ op }) => op)).toEqual([OP.getData, OP.closeSession]);
    // Never from within a call.
    expect(world.states).toEqual(['connected']);
    await rest();
    expect([world.ended, world.states]).toEqual([['get SESSION_CLOSED'], ['connected', 'closed']]);
    world.network.link.answer(requests[0]!.xid, 1n, 0, (writer) => writeStat(writer.buffer(DATA)));
    world.network.link.answer(requests[1]!.xid, 2n);
    await rest();
    expect(world.ended[1]).toBe('close ok');
    expect([world.network.link.isDestroyed, world.clock.timerCount]).toEqual([true, 0]);
  });

  test('is closed after a third of its timeout where no answer comes, and at once while away', async () => {
    const world = await ClientWorld.connected();
    world.track('close', world.client.close());
    await world.pass(990);
    expect(world.ended).toEqual([]);
    await world.pass(20);
    expect(world.ended).toEqual(['close ok']);
    const away = new ClientWorld();
    away.track('close', away.client.close());
    await away.pass(2_000, 100);
    expect([away.ended, away.network.links.length, away.clock.timerCount]).toEqual([['close ok'], 0, 0]);
  });
});
