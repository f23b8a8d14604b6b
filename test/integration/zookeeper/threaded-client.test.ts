import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SessionKeeper, type SessionEvent } from '../../../src/coordination/zookeeper/session-keeper.ts';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import { playRecordedScript } from '../../../src/coordination/zookeeper/client/test-support/recorded-script.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import type { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { silentLogger } from '../../../src/foundation/common/logger.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { ClientChild } from '../../../src/process/zookeeper-thread/test-support/client-child.ts';
import type { ThreadClientOptions } from '../../../src/process/zookeeper-thread/thread-messages.ts';
import { startZooKeeperThread, type ZooKeeperThread } from '../../../src/process/zookeeper-thread/zookeeper-thread.ts';
import { bytes, Clients, endOf, recorder, textOf, until } from './clients.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { Ensemble, LONG_SESSIONS } from './ensemble.ts';
import { eventually } from './eventually.ts';

const HANG_MS = 20_000;

let ensemble: Ensemble;
let thread: ZooKeeperThread;
beforeAll(async () => {
  ensemble = await Ensemble.start({ servers: 1, config: LONG_SESSIONS });
});
afterAll(() => ensemble?.stop());
beforeEach(() => {
  thread = startZooKeeperThread({ clock: systemClock, logger: silentLogger, hangMs: HANG_MS });
});
afterEach(() => thread.close());

const connected = async (options: Partial<ThreadClientOptions> = {}): Promise<ZooKeeperClient> => {
  const client = thread.connect({ connectString: ensemble.connectString, sessionTimeoutMs: 4_000, ...options });
  await until(client, 'connected');
  return client;
};
/** A client without a thread, which sees what there is. */
const onlooker = async (): Promise<Clients & { client: ZooKeeperClient }> => {
  const clients = new Clients(ensemble.connectString);
  return Object.assign(clients, { client: await clients.connected({ sessionTimeoutMs: 10_000 }) });
};

describe('operations', () => {
  test('end as those of a client without a thread, each of them', async () => {
    await using other = await onlooker();
    await other.client.create('/one', bytes(''));
    await other.client.create('/two', bytes(''));
    const lines = await playRecordedScript(await connected({ connectString: `${ensemble.connectString}/one` }));
    const direct = await other.connected({ connectString: `${ensemble.connectString}/two` });
    expect(lines).toEqual(await playRecordedScript(direct));
    expect(lines.length).toBeGreaterThan(25);
  });

  test('are carried out in the order of the calls', async () => {
    const client = await connected();
    await client.create('/ordered', bytes(''));
    const order: number[] = [];
    const sets = Array.from({ length: 200 }, async (_, at) => {
      const { version } = await client.set('/ordered', bytes(String(at)));
      order.push(version);
    });
    const last = client.get('/ordered');
    await Promise.all(sets);
    expect(order).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    expect(textOf((await last).data)).toBe('199');
  });

  test('wait for a connection in their order, and identities go with the session', async () => {
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(0));
    const auth = [{ scheme: 'digest', credentials: bytes('me:secret') }];
    const client = await connected({ connectString: proxy.connectString, auth });
    const acl = [{ scheme: 'auth', id: '', permissions: ['read', 'create', 'write', 'delete', 'admin'] as const }];
    await client.create('/mine', bytes(''), { acl });
    proxy.cut();
    await until(client, 'connecting');
    const order: string[] = [];
    const all = [
      client.create('/mine/a', bytes('1')).then(() => order.push('create')),
      client.set('/mine/a', bytes('2')).then(() => order.push('set')),
      client.delete('/mine/a').then(() => order.push('delete')),
    ];
    proxy.mend();
    await Promise.all(all);
    expect(order).toEqual(['create', 'set', 'delete']);
    expect(await client.whoAmI()).toContainEqual({ scheme: 'digest', id: 'me' });
    await using other = await onlooker();
    const error = await other.client.get('/mine').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NO_AUTH' });
  });
});

describe('watches', () => {
  test('hear before the answer that shows what they tell, and each change of lasting ones in its order', async () => {
    const client = await connected();
    await using other = await onlooker();
    await client.create('/watched', bytes(''));
    const heard: string[] = [];
    const { events, watch } = recorder();
    await client.addWatch('/watched', 'persistent-recursive', watch);
    const rounds = 50;
    for (let round = 1; round <= rounds; round++) {
      await client.get('/watched', ({ kind }) => heard.push(`${kind} ${round}`));
      // Not waited for: the read may come before or behind it.
      const set = other.client.set('/watched', bytes(String(round)));
      let { stat } = await client.get('/watched');
      if (stat.version === round) {
        expect(heard.at(-1)).toBe(`changed ${round}`);
      }
      await set;
      await client.sync('/watched');
      ({ stat } = await client.get('/watched'));
      expect([stat.version, heard.length, events.length]).toEqual([round, round, round]);
    }
    const names = Array.from({ length: 100 }, (_, at) => `/watched/${at}`);
    await Promise.all(names.map((path) => other.client.create(path, bytes(''))));
    await client.sync('/watched');
    expect((await client.children('/watched')).names).toHaveLength(100);
    expect(events.slice(rounds)).toEqual(names.map((path) => `created ${path}`));
  });

  test('that last hear of what changed while the connection was away, and nothing when they are removed', async () => {
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(0));
    await using other = await onlooker();
    const client = await connected({ connectString: proxy.connectString });
    await client.create('/away', bytes(''));
    const { events, watch } = recorder();
    const handle = await client.addWatch('/away', 'persistent', watch);
    proxy.cut();
    await until(client, 'connecting');
    await other.client.set('/away', bytes('x'));
    proxy.mend();
    await client.sync('/away');
    expect(events).toEqual(['changed /away']);
    await handle.remove();
    await other.client.set('/away', bytes('y'));
    await client.sync('/away');
    expect(events).toEqual(['changed /away']);
    await handle.remove();
    handle.end();
  });
});

describe('a main thread that is held up', () => {
  test('for three session timeouts keeps its session and its ephemeral node', async () => {
    await using other = await onlooker();
    await using child = new ClientChild(ensemble.connectString, 1_000, 10_000);
    child.say('ephemeral /held-up');
    await eventually('it has its node', () => child.lines.includes('done ephemeral'));
    const { events, watch } = recorder();
    const owner = (await other.client.exists('/held-up', watch))?.ephemeralOwner;
    child.say('hold-up 3000');
    await eventually('it goes on', () => child.lines.includes('done hold-up'));
    child.say('set /held-up');
    await eventually('it writes', () => child.lines.includes('done set'));
    expect(child.lines).toEqual(['connected', 'done ephemeral', 'done hold-up', 'done set']);
    expect(events).toEqual(['changed /held-up']);
    expect((await other.client.exists('/held-up'))?.ephemeralOwner).toBe(owner);
  });

  test('for longer than it may loses them while it is held up, and hears so when it goes on', async () => {
    await using other = await onlooker();
    await using child = new ClientChild(ensemble.connectString, 1_000, 2_000);
    child.say('ephemeral /hangs');
    await eventually('it has its node', () => child.lines.includes('done ephemeral'));
    child.say('hold-up 10000');
    await eventually('its node is gone', async () => (await other.client.exists('/hangs')) === undefined);
    expect(child.lines).toEqual(['connected', 'done ephemeral']);
    await eventually('it knows', () => child.lines.includes('expired'));
    expect(child.lines.filter((line) => line.startsWith('warning'))).toHaveLength(1);
    child.say('set /');
    await eventually('its operations know', () => child.lines.includes('failed set SESSION_EXPIRED'));
    // The session is over: nothing keeps the process alive.
    child.say('close');
    expect(await child.exit()).toBe(0);
  });
});

describe('a thread that dies', () => {
  test('leaves operations unknown, and the keeper has a new session in a new thread', async () => {
    await using other = await onlooker();
    const keeper = new SessionKeeper({
      ...{ clock: systemClock, logger: silentLogger },
      connect: () => thread.connect({ connectString: ensemble.connectString, sessionTimeoutMs: 1_000 }),
    });
    const events: SessionEvent[] = [];
    keeper.listen((event) => events.push(event));
    await until(keeper.client, 'connected');
    const first = keeper.client.session!.id;
    await keeper.client.create('/dies', bytes(''), { mode: 'ephemeral' });
    const ends = Promise.all(Array.from({ length: 50 }, () => endOf(keeper.client.set('/dies', bytes('')))));
    await thread.endWorker();
    for (const end of await ends) {
      expect(['ok', 'CONNECTION_LOSS']).toContain(end);
    }
    await eventually('there is a new session', () => keeper.isConnected);
    expect(events).toEqual(['connected', 'ended', 'connected']);
    expect([keeper.client.session!.id === first, thread.threads]).toEqual([false, 2]);
    await eventually('the old one is over', async () => (await other.client.exists('/dies')) === undefined);
    await keeper.close();
  });
});

describe('close', () => {
  test('ends the session at once', async () => {
    await using other = await onlooker();
    const client = await connected({ sessionTimeoutMs: 20_000 });
    await client.create('/closes', bytes(''), { mode: 'ephemeral' });
    const pending = client.get('/').catch((error: ZooKeeperError) => error);
    await client.close();
    expect(await other.client.exists('/closes')).toBeUndefined();
    expect([client.state, await endOf(client.get('/'))]).toEqual(['closed', 'SESSION_CLOSED']);
    expect(await pending).toMatchObject({ code: 'SESSION_CLOSED' });
  });

  test('has said so when it returns: its process may end in the same turn', async () => {
    await using other = await onlooker();
    await using child = new ClientChild(ensemble.connectString, 20_000, HANG_MS);
    child.say('ephemeral /exits');
    await eventually('it has its node', () => child.lines.includes('done ephemeral'));
    child.say('close-and-exit');
    expect(await child.exit()).toBe(0);
    await eventually('the node is gone', async () => (await other.client.exists('/exits')) === undefined, {
      timeoutMs: 2_000,
    });
  });
});

describe('speed', () => {
  const OPERATIONS = 5_000;
  const IN_FLIGHT = 64;

  const perSecond = async (operation: () => Promise<unknown>): Promise<number> => {
    let left = OPERATIONS;
    const startedAtMs = performance.now();
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        await operation();
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return Math.round((OPERATIONS * 1_000) / (performance.now() - startedAtMs));
  };

  test('is printed, with a thread and without', async () => {
    const threaded = await connected();
    const direct = connectZooKeeper({ connectString: ensemble.connectString, sessionTimeoutMs: 4_000 });
    await until(direct, 'connected');
    await direct.create('/speed', new Uint8Array(200));
    const data = new Uint8Array(200);
    // The first is for the servers, which begin slowly.
    for (const round of [1, 2, 3]) {
      for (const [name, client] of Object.entries({ direct, threaded })) {
        const gets = await perSecond(() => client.get('/speed'));
        const sets = await perSecond(() => client.set('/speed', data));
        console.log(`round ${round}, ${name}: ${gets} gets/s, ${sets} sets/s, ${IN_FLIGHT} in flight`);
        expect(gets).toBeGreaterThan(0);
      }
    }
    await direct.close();
  });
});
