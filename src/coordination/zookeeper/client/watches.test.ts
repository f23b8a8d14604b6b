import { describe, expect, test } from 'vitest';
import type { JuteReader } from './jute-reader.ts';
import { ClientWorld } from './test-support/client-world.ts';
import { rest, writeStat, type FakeLink, type FakeRequest } from './test-support/fake-network.ts';
import { OP, XID } from './wire-codes.ts';

const NO_NODE = -101;

/** A tree of nodes as the server has it. */
type Nodes = Map<string, { createdIn: bigint; modifiedIn: bigint }>;

const answer = (link: FakeLink, nodes: Nodes, zxid: bigint, { xid, op, body }: FakeRequest): void => {
  if (op === OP.setWatches || op === OP.setWatches2 || op === OP.addWatch || op === OP.sync) {
    link.answer(xid, zxid, 0, (writer) => writer.int(0));
    return;
  }
  const path = body.string();
  const node = nodes.get(path);
  if (node === undefined) {
    link.answer(xid, zxid, NO_NODE);
    return;
  }
  const names = [...nodes.keys()]
    .filter((each) => each.startsWith(`${path}/`))
    .map((each) => each.slice(path.length + 1));
  link.answer(xid, zxid, 0, (writer) => {
    if (op === OP.getChildren2) {
      writer.vector(
        names.filter((name) => !name.includes('/')),
        (each, name) => each.string(name),
      );
    } else if (op === OP.getData) {
      writer.buffer(new Uint8Array(0));
    }
    writeStat(writer, node);
  });
};

const serve = async (link: FakeLink, nodes: Nodes, zxid: bigint, most = Infinity): Promise<readonly FakeRequest[]> => {
  const all: FakeRequest[] = [];
  for (;;) {
    await rest();
    const requests = link.take();
    if (requests.length === 0 || all.length >= most) {
      return all;
    }
    for (const request of requests.slice(0, most - all.length)) {
      all.push(request);
      answer(link, nodes, zxid, request);
    }
  }
};

const nodesOf = (nodes: Readonly<Record<string, bigint>>): Nodes =>
  new Map(Object.entries(nodes).map(([path, zxid]) => [path, { createdIn: zxid, modifiedIn: zxid }]));

const reconnect = async (world: ClientWorld): Promise<FakeLink> => {
  world.network.link.close();
  await world.reconnected();
  world.network.link.welcome();
  await rest();
  return world.network.link;
};

describe('watches that hear once', () => {
  test('are set again in pieces of 128 KiB, with the transaction that was seen', async () => {
    const world = await ClientWorld.connected();
    const path = (at: number): string => `/${'x'.repeat(95)}-${String(at).padStart(5, '0')}`;
    const count = 4_000;
    for (let at = 0; at < count; at++) {
      world.track(
        'exists',
        world.client.exists(path(at), () => {}),
      );
    }
    await serve(world.network.link, new Map(), 9n);
    const link = await reconnect(world);
    const requests = link.take();
    const paths: string[] = [];
    for (const { xid, op, body } of requests) {
      expect([xid, op]).toEqual([XID.setWatches, OP.setWatches]);
      expect(body.remaining).toBeLessThanOrEqual(128 * 1024 + 32);
      expect(body.long()).toBe(9n);
      const strings = (reader: JuteReader): string[] => reader.vector(4, (each) => each.string());
      expect(strings(body)).toEqual([]);
      paths.push(...strings(body));
      expect(strings(body)).toEqual([]);
    }
    expect(requests.length).toBe(Math.ceil((count * 106) / (128 * 1024)));
    expect(paths.toSorted()).toEqual(Array.from({ length: count }, (_, at) => path(at)));
  });

  test('count from the older transaction where setting them again was cut off', async () => {
    const world = await ClientWorld.connected();
    world.track(
      'get',
      world.client.get('/a', () => {}),
    );
    await serve(world.network.link, nodesOf({ '/a': 1n }), 9n);
    const second = await reconnect(world);
    second.answer(XID.ping, 50n);
    const third = await reconnect(world);
    const [request] = third.take();
    expect(request!.body.long()).toBe(9n);
    third.answer(XID.setWatches, 60n);
    await rest();
    third.answer(XID.ping, 70n);
    const fourth = await reconnect(world);
    expect(fourth.take()[0]!.body.long()).toBe(70n);
  });

  test('that throw are the uncaught exceptions of their owner, and hold up nobody', async () => {
    const world = await ClientWorld.connected();
    const heard: string[] = [];
    const uncaught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      world.track(
        'get',
        world.client.get('/a', () => {
          throw new Error('mine');
        }),
      );
      world.track(
        'exists',
        world.client.exists('/a', ({ kind }) => heard.push(kind)),
      );
      await serve(world.network.link, nodesOf({ '/a': 1n }), 2n);
      world.network.link.notify(3, '/a');
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.removeAllListeners('uncaughtException');
      listeners.forEach((listener) => process.on('uncaughtException', listener));
    }
    expect(heard).toEqual(['changed']);
    expect(uncaught).toEqual([new Error('mine')]);
    expect(world.client.state).toBe('connected');
  });
});

describe('watches of one path', () => {
  test('a read that gave up leaves the next one to watch by itself', async () => {
    const world = await ClientWorld.connected();
    const { link } = world.network;
    const adding = world.client.addWatch('/a', 'persistent', () => {});
    const nodes = nodesOf({ '/a': 1n });
    await serve(link, nodes, 2n);
    world.track(
      'left to the other',
      world.client.get('/a', () => {}),
    );
    await rest();
    const [late] = link.take();
    const flagOf = ({ body }: FakeRequest): boolean => {
      body.string();
      return body.bool();
    };
    expect(flagOf(late!)).toBe(false);
    for (let passed = 0; passed < 6_050; passed += 50) {
      await world.pass(50);
      link.answer(XID.ping, 2n);
    }
    expect(world.ended).toEqual(['left to the other OPERATION_TIMEOUT']);
    (await adding).end();
    link.take();
    link.answer(late!.xid, 3n, NO_NODE);
    world.track(
      'by itself',
      world.client.get('/a', () => {}),
    );
    await rest();
    expect(flagOf(link.take()[0]!)).toBe(true);
  });

  test('one that waits to be set takes no other from the server', async () => {
    const world = await ClientWorld.connected();
    const nodes = nodesOf({ '/a': 1n });
    world.track(
      'persistent',
      world.client.addWatch('/a', 'persistent', () => {}),
    );
    await serve(world.network.link, nodes, 2n);
    world.network.link.close();
    await rest();
    world.track(
      'recursive',
      world.client.addWatch('/a', 'persistent-recursive', () => {}),
    );
    await world.reconnected();
    world.network.link.welcome();
    const asked = await serve(world.network.link, nodes, 2n);
    expect(asked.map(({ op }) => op)).toEqual([OP.setWatches2, OP.exists, OP.addWatch, OP.getChildren2]);
    const { body } = asked[0]!;
    body.long();
    expect(Array.from({ length: 5 }, () => body.vector(4, (each) => each.string()))).toEqual([[], [], [], ['/a'], []]);
    // Then it carries the other one.
    const again = await serve(await reconnect(world), nodes, 2n);
    again[0]!.body.long();
    expect(Array.from({ length: 5 }, () => again[0]!.body.vector(4, (each) => each.string()))).toEqual([
      [],
      [],
      [],
      [],
      ['/a'],
    ]);
  });
});

describe('a recursive watch', () => {
  const watching = async (nodes: Nodes) => {
    const world = await ClientWorld.connected();
    const events: string[] = [];
    world.track(
      'add',
      world.client.addWatch('/r', 'persistent-recursive', ({ kind, path }) => events.push(`${kind} ${path}`)),
    );
    await serve(world.network.link, nodes, 10n);
    return { world, events };
  };

  test('tells what differs before operations that waited are sent', async () => {
    const { world, events } = await watching(nodesOf({ '/r': 1n, '/r/a': 2n, '/r/b': 3n, '/r/b/c': 4n }));
    expect(world.ended).toEqual(['add ok']);
    world.network.link.close();
    await rest();
    world.track('get', world.client.get('/r'));
    await world.reconnected();
    const { link } = world.network;
    link.welcome();
    const nodes = nodesOf({ '/r': 1n, '/r/a': 12n, '/r/d': 13n, '/r/d/e': 14n });
    nodes.set('/r', { createdIn: 1n, modifiedIn: 11n });
    const asked = await serve(link, nodes, 20n);
    expect(events).toEqual([
      'changed /r',
      'deleted /r/b/c',
      'deleted /r/b',
      ...(['deleted /r/a', 'created /r/a', 'created /r/d', 'created /r/d/e'] as const).toSorted(
        (one, other) => events.indexOf(one) - events.indexOf(other),
      ),
    ]);
    expect(asked.at(-1)!.op).toBe(OP.getData);
    expect(world.states).toEqual(['connected', 'connecting', 'connected']);
  });

  test('does not tell of events again that came with or after the comparison', async () => {
    const { world, events } = await watching(nodesOf({ '/r': 1n, '/r/a': 2n }));
    const link = await reconnect(world);
    await serve(link, new Map(), 20n, 1);
    link.notify(1, '/r/new');
    link.notify(3, '/r/a');
    link.notify(2, '/r/a');
    expect(events).toEqual(['created /r/new', 'changed /r/a', 'deleted /r/a']);
  });

  test('compares again where the connection was lost meanwhile, and calls nothing deleted that was not', async () => {
    const nodes = nodesOf({ '/r': 1n, '/r/a': 2n });
    const { world, events } = await watching(nodes);
    nodes.set('/r/new', { createdIn: 15n, modifiedIn: 15n });
    nodes.set('/r/new/leaf', { createdIn: 16n, modifiedIn: 16n });
    for (const most of [2, 3, 4]) {
      const link = await reconnect(world);
      await serve(link, nodes, 20n, most);
    }
    await serve(await reconnect(world), nodes, 20n);
    expect(events.filter((event) => event.startsWith('deleted'))).toEqual([]);
    expect(events.filter((event) => event.startsWith('created')).toSorted()).toEqual([
      'created /r/new',
      'created /r/new/leaf',
    ]);
    expect(world.client.state).toBe('connected');
    events.length = 0;
    await serve(await reconnect(world), nodes, 20n);
    expect(events).toEqual([]);
  });

  test('does not call a node deleted whose creation it has just told', async () => {
    const nodes = nodesOf({ '/r': 1n });
    const { world, events } = await watching(nodes);
    nodes.set('/r/new', { createdIn: 15n, modifiedIn: 15n });
    // No answer follows that would say which transaction it was.
    world.network.link.notify(1, '/r/new');
    await serve(await reconnect(world), nodes, 20n);
    expect(events).toEqual(['created /r/new', 'changed /r/new']);
  });

  test('that cannot be set is told so, and hears nothing', async () => {
    const world = await ClientWorld.connected();
    const events: string[] = [];
    world.track(
      'add',
      world.client.addWatch('/r', 'persistent-recursive', ({ kind }) => events.push(kind)),
    );
    await rest();
    const { link } = world.network;
    link.answer(link.take()[0]!.xid, 1n, -6);
    await rest();
    link.notify(1, '/r/a');
    expect([world.ended, events]).toEqual([['add UNIMPLEMENTED'], []]);
    // And where the connection is lost while it learns.
    world.track(
      'again',
      world.client.addWatch('/r', 'persistent-recursive', ({ kind }) => events.push(kind)),
    );
    await serve(link, nodesOf({ '/r': 1n, '/r/a': 1n }), 10n, 2);
    const next = await reconnect(world);
    expect(world.ended[1]).toBe('again CONNECTION_LOSS');
    expect(next.take()).toEqual([]);
  });

  test('is ended, and hears nothing although the server still has it', async () => {
    const world = await ClientWorld.connected();
    const events: string[] = [];
    const adding = world.client.addWatch('/r', 'persistent-recursive', ({ kind }) => events.push(kind));
    await serve(world.network.link, nodesOf({ '/r': 1n }), 10n);
    (await adding).end();
    world.network.link.notify(1, '/r/a');
    expect(events).toEqual([]);
    expect((await reconnect(world)).take()).toEqual([]);
  });
});
