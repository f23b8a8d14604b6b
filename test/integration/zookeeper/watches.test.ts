import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { bytes, Clients, recorder, until } from './clients.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { Ensemble, LONG_SESSIONS } from './ensemble.ts';

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start({ servers: 1, config: LONG_SESSIONS });
});
afterAll(() => ensemble?.stop());

/** A client whose connection can be cut, and one that goes on. */
const world = async () => {
  const clients = new Clients(ensemble.connectString);
  const proxy = await CuttableProxy.start(() => ensemble.portOf(0));
  const client = await clients.connected({ connectString: proxy.connectString, sessionTimeoutMs: 20_000 });
  const other = await clients.connected({ sessionTimeoutMs: 20_000 });
  /** What `other` does while `client` is away; afterwards all has been heard. */
  const whileAway = async (act: () => Promise<unknown>): Promise<void> => {
    proxy.cut();
    await until(client, 'connecting');
    await act();
    proxy.mend();
    await client.sync('/');
  };
  return {
    client,
    other,
    proxy,
    whileAway,
    [Symbol.asyncDispose]: async () => {
      await clients[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
};

const make = async (client: ZooKeeperClient, ...paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    await client.create(path, bytes(''));
  }
};

describe('watches that hear once', () => {
  test('hear of their event, before the answer that shows it', async () => {
    await using all = await world();
    const { client } = all;
    await make(client, '/once');
    const data = recorder();
    const children = recorder();
    const absence = recorder();
    await client.get('/once', data.watch);
    await client.exists('/once', data.watch);
    await client.children('/once', children.watch);
    await client.exists('/once/child', absence.watch);
    await client.create('/once/child', bytes(''));
    expect([absence.events, children.events]).toEqual([['created /once/child'], ['children-changed /once']]);
    await client.set('/once', bytes('1'));
    await client.set('/once', bytes('2'));
    expect(data.events).toEqual(['changed /once']);
    await client.exists('/once/child', absence.watch);
    await client.children('/once/child', absence.watch);
    await client.delete('/once/child');
    expect(absence.events).toEqual(['created /once/child', 'deleted /once/child']);
    await client.get('/once/child', absence.watch).catch(() => {});
    await client.create('/once/child', bytes(''));
    expect(absence.events).toHaveLength(2);
  });

  test('hear of what came while the connection was away', async () => {
    await using all = await world();
    const { client, other, whileAway } = all;
    await make(client, '/away', '/away/changed', '/away/deleted', '/away/same');
    const { events, watch } = recorder();
    await client.get('/away/changed', watch);
    await client.get('/away/deleted', watch);
    await client.get('/away/same', watch);
    await client.exists('/away/created', watch);
    await client.exists('/away/absent', watch);
    await client.children('/away', watch);
    await whileAway(async () => {
      await other.set('/away/changed', bytes('x'));
      await other.delete('/away/deleted');
      await other.create('/away/created', bytes(''));
    });
    expect(events.toSorted()).toEqual([
      'changed /away/changed',
      'children-changed /away',
      'created /away/created',
      'deleted /away/deleted',
    ]);
    await other.set('/away/same', bytes('x'));
    await other.create('/away/absent', bytes(''));
    await client.sync('/away');
    expect(events.slice(4)).toEqual(['changed /away/same', 'created /away/absent']);
  });
});

describe('a persistent watch', () => {
  test('hears of each event until it is removed', async () => {
    await using all = await world();
    const { client } = all;
    const { events, watch } = recorder();
    const second = recorder();
    const handle = await client.addWatch('/stays', 'persistent', watch);
    const other = await client.addWatch('/stays', 'persistent', second.watch);
    await make(client, '/stays', '/stays/a', '/stays/a/b');
    await client.set('/stays', bytes('1'));
    await client.set('/stays', bytes('2'));
    await client.delete('/stays/a/b');
    await client.delete('/stays/a');
    const heard = ['created', 'children-changed', 'changed', 'changed', 'children-changed'].map(
      (kind) => `${kind} /stays`,
    );
    expect(events).toEqual(heard);
    await handle.remove();
    await client.set('/stays', bytes('3'));
    expect(events).toEqual(heard);
    expect(second.events).toEqual([...heard, 'changed /stays']);
    await other.remove();
    await other.remove();
    await client.delete('/stays');
    expect(second.events).toHaveLength(6);
  });

  test('hears after a reconnect of what came meanwhile, and goes on', async () => {
    await using all = await world();
    const { client, other, whileAway } = all;
    await make(client, '/p', '/p/changed', '/p/deleted', '/p/again', '/p/parent', '/p/same');
    const { events, watch } = recorder();
    for (const name of ['changed', 'deleted', 'again', 'parent', 'same', 'created', 'absent']) {
      await client.addWatch(`/p/${name}`, 'persistent', watch);
    }
    await whileAway(async () => {
      await other.set('/p/changed', bytes('x'));
      await other.delete('/p/deleted');
      await other.delete('/p/again');
      await make(other, '/p/again', '/p/created', '/p/parent/child');
    });
    expect(events.toSorted()).toEqual([
      'changed /p/changed',
      'children-changed /p/parent',
      'created /p/again',
      'created /p/created',
      'deleted /p/again',
      'deleted /p/deleted',
    ]);
    expect(events.indexOf('deleted /p/again')).toBeLessThan(events.indexOf('created /p/again'));
    events.length = 0;
    await whileAway(async () => {});
    expect(events).toEqual([]);
    await other.set('/p/same', bytes('x'));
    await other.delete('/p/again');
    await client.sync('/');
    expect(events).toEqual(['changed /p/same', 'deleted /p/again']);
  });
});

describe('a recursive watch', () => {
  test('hears of all below it', async () => {
    await using all = await world();
    const { client } = all;
    await make(client, '/tree', '/tree/old', '/treehouse');
    const { events, watch } = recorder();
    const handle = await client.addWatch('/tree', 'persistent-recursive', watch);
    await make(client, '/tree/new', '/tree/new/leaf', '/treehouse/no');
    await client.set('/tree/old', bytes('x'));
    await client.multi([
      { kind: 'delete', path: '/tree/new/leaf' },
      { kind: 'delete', path: '/tree/new' },
    ]);
    await client.set('/tree', bytes('x'));
    const heard = [
      'created /tree/new',
      'created /tree/new/leaf',
      'changed /tree/old',
      'deleted /tree/new/leaf',
      'deleted /tree/new',
      'changed /tree',
    ];
    expect(events).toEqual(heard);
    await handle.remove();
    await client.set('/tree/old', bytes('y'));
    expect(events).toEqual(heard);
  });

  test('hears after a reconnect of what came meanwhile, and goes on', async () => {
    await using all = await world();
    const { client, other, whileAway } = all;
    await make(client, '/r', '/r/a', '/r/a/b', '/r/a/c', '/r/d', '/r/d/e', '/r/f', '/r/f/g', '/r/same');
    const { events, watch } = recorder();
    await client.addWatch('/r', 'persistent-recursive', watch);
    await make(client, '/r/later');
    events.length = 0;
    await whileAway(async () => {
      await other.set('/r/a/b', bytes('x'));
      await make(other, '/r/new', '/r/new/leaf');
      await other.delete('/r/d/e');
      await other.delete('/r/d');
      await other.delete('/r/f/g');
      await other.delete('/r/f');
      await make(other, '/r/f', '/r/f/h');
      await other.delete('/r/later');
    });
    expect(events.toSorted()).toEqual(
      [
        'changed /r/a/b',
        'created /r/new',
        'created /r/new/leaf',
        'deleted /r/d/e',
        'deleted /r/d',
        'deleted /r/f/g',
        'deleted /r/f',
        'created /r/f',
        'created /r/f/h',
        'deleted /r/later',
      ].toSorted(),
    );
    for (const [before, after] of [
      ['deleted /r/d/e', 'deleted /r/d'],
      ['deleted /r/f/g', 'deleted /r/f'],
      ['deleted /r/f', 'created /r/f'],
      ['created /r/f', 'created /r/f/h'],
      ['created /r/new', 'created /r/new/leaf'],
    ] as const) {
      expect(events.indexOf(before)).toBeLessThan(events.indexOf(after));
    }
    events.length = 0;
    await whileAway(async () => {});
    expect(events).toEqual([]);
    await whileAway(async () => {
      await other.delete('/r/f/h');
      await other.set('/r', bytes('x'));
    });
    expect(events.toSorted()).toEqual(['changed /r', 'deleted /r/f/h']);
    await other.set('/r/same', bytes('x'));
    await client.sync('/');
    expect(events).toHaveLength(3);
  });

  test('of the root hears of all there is', async () => {
    await using all = await world();
    const { client, other, whileAway } = all;
    const { events, watch } = recorder();
    await client.addWatch('/', 'persistent-recursive', watch);
    await make(client, '/top');
    await whileAway(() => other.delete('/top'));
    expect(events).toEqual(['created /top', 'deleted /top']);
  });

  test('of a node that comes and goes hears of both', async () => {
    await using all = await world();
    const { client, other, whileAway } = all;
    const { events, watch } = recorder();
    await client.addWatch('/comes', 'persistent-recursive', watch);
    await whileAway(() => make(other, '/comes', '/comes/child'));
    await whileAway(async () => {
      await other.delete('/comes/child');
      await other.delete('/comes');
    });
    expect(events).toEqual(['created /comes', 'created /comes/child', 'deleted /comes/child', 'deleted /comes']);
  });
});

describe('watches of one path', () => {
  /* A server of 3.8 keeps one kind for each path: each order in which they come has to work. */
  const kinds = ['once', 'persistent', 'persistent-recursive'] as const;
  const orders = kinds
    .flatMap((a) => kinds.filter((b) => b !== a).map((b) => [a, b] as const))
    .flatMap(([a, b]) => [
      [a, b],
      [a, b, kinds.find((c) => c !== a && c !== b)!],
    ]);
  test.each(orders.map((order, at) => [order.join(', '), order, at] as const))('%s', async (_, order, at) => {
    await using all = await world();
    const { client, other, whileAway } = all;
    const root = `/mixed-${at}`;
    await make(client, root);
    const heard = {
      once: recorder(),
      children: recorder(),
      persistent: recorder(),
      'persistent-recursive': recorder(),
    } as const;
    const watchOnce = () =>
      Promise.all([client.get(root, heard.once.watch), client.children(root, heard.children.watch)]);
    // Not awaited one by one: what is on the way counts, too.
    await Promise.all(
      order.map((kind) => (kind === 'once' ? watchOnce() : client.addWatch(root, kind, heard[kind].watch))),
    );
    const act = async (who: ZooKeeperClient): Promise<void> => {
      await who.set(root, bytes('x'));
      await make(who, `${root}/a`);
      await who.delete(`${root}/a`);
    };
    const expected = {
      once: [`changed ${root}`],
      children: [`children-changed ${root}`],
      persistent: [`changed ${root}`, `children-changed ${root}`, `children-changed ${root}`],
      'persistent-recursive': [`changed ${root}`, `created ${root}/a`, `deleted ${root}/a`],
    } as const;
    const check = (): void => {
      for (const kind of [...kinds, 'children'] as const) {
        const isThere = (order as readonly string[]).includes(kind === 'children' ? 'once' : kind);
        expect([kind, heard[kind].events]).toEqual([kind, isThere ? expected[kind] : []]);
        heard[kind].events.length = 0;
      }
    };
    await act(client);
    check();
    // Again, with the lasting ones there already, and then after a reconnect.
    if (order.includes('once')) {
      await watchOnce();
    }
    await act(client);
    check();
    if (order.includes('once')) {
      await watchOnce();
    }
    await whileAway(async () => {});
    await act(other);
    await client.sync('/');
    check();
  });

  test('leave the others where one is removed', async () => {
    await using all = await world();
    const { client } = all;
    await make(client, '/rest');
    const node = recorder();
    const tree = recorder();
    const once = recorder();
    const treeHandle = await client.addWatch('/rest', 'persistent-recursive', tree.watch);
    const nodeHandle = await client.addWatch('/rest', 'persistent', node.watch);
    await client.get('/rest', once.watch);
    await treeHandle.remove();
    await make(client, '/rest/a');
    expect([node.events, tree.events]).toEqual([['children-changed /rest'], []]);
    await nodeHandle.remove();
    await client.set('/rest', bytes('x'));
    await client.set('/rest', bytes('y'));
    expect([node.events.length, once.events]).toEqual([1, ['changed /rest']]);
    await client.get('/rest', once.watch);
    await client.set('/rest', bytes('z'));
    await client.set('/rest', bytes('z'));
    expect(once.events).toHaveLength(2);
  });
});

describe('many watches', () => {
  test('of 15,000 paths come back after a reconnect, in pieces', async () => {
    await using all = await world();
    const { client, other, whileAway } = all;
    const long = 'a-name-that-is-long-enough-to-need-more-than-a-megabyte-for-all-of-them-together';
    await make(client, '/many');
    const { events, watch } = recorder();
    await Promise.all(Array.from({ length: 15_000 }, (_, at) => client.exists(`/many/${long}-${at}`, watch)));
    await whileAway(() => make(other, `/many/${long}-14999`));
    expect(events).toEqual([`created /many/${long}-14999`]);
    await make(other, `/many/${long}-0`, `/many/${long}-7777`);
    await client.sync('/');
    expect(events).toHaveLength(3);
    expect(client.state).toBe('connected');
  });
});
