import { expect, test } from 'vitest';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import type { WatchEvent } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ModelWorld } from './model-world.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const eventText = ({ kind, path }: WatchEvent): string => `${kind} ${path}`;
const codeAfter = (promise: Promise<unknown>): Promise<string | undefined> => promise.then(() => 'done', codeOf);

test('nodes, versions and numbers are those of ZooKeeper', async () => {
  const world = new ModelWorld(1);
  const client = world.client();
  const script = async (): Promise<void> => {
    expect(await codeAfter(client.create('/a/b', bytes('')))).toBe('NO_NODE');
    await client.create('/a', bytes('x'));
    expect(await codeAfter(client.create('/a', bytes('x')))).toBe('NODE_EXISTS');
    expect((await client.set('/a', bytes('yy'), 0)).version).toBe(1);
    expect(await codeAfter(client.set('/a', bytes('z'), 0))).toBe('BAD_VERSION');
    const first = await client.create('/a/n-', bytes(''), { mode: 'ephemeral-sequential' });
    const second = await client.create('/a/n-', bytes(''), { mode: 'persistent-sequential' });
    expect([first.path, second.path]).toEqual(['/a/n-0000000000', '/a/n-0000000001']);
    expect(first.stat.ephemeralOwner).toBe(client.session?.id);
    expect(await codeAfter(client.create(`${first.path}/c`, bytes('')))).toBe('NO_CHILDREN_FOR_EPHEMERALS');
    expect(await codeAfter(client.delete('/a'))).toBe('NOT_EMPTY');
    await client.delete(second.path);
    const { stat, names } = await client.children('/a');
    expect([stat.childrenVersion, stat.childrenCount, names]).toEqual([3, 1, ['n-0000000000']]);
    expect((await client.create('/a/n-', bytes(''), { mode: 'ephemeral-sequential' })).path).toBe('/a/n-0000000002');
    expect(await client.exists('/b')).toBeUndefined();
  };
  await world.settled(script());
});

test('a multi is all or nothing, and each operation sees what those before it did', async () => {
  const world = new ModelWorld(2);
  const client = world.client();
  const script = async (): Promise<void> => {
    await client.create('/a', bytes(''));
    const refused = await client.multi([
      { kind: 'check', path: '/a', version: 0 },
      { kind: 'create', path: '/a/b', data: bytes('') },
      { kind: 'set', path: '/a', data: bytes('1'), version: 7 },
    ]);
    expect(refused).toMatchObject({ ok: false, index: 2, error: { code: 'BAD_VERSION' } });
    expect(await client.exists('/a/b')).toBeUndefined();
    const absent = [
      { kind: 'create', path: '/a/b', data: bytes('') },
      { kind: 'delete', path: '/a/b' },
    ] as const;
    expect((await client.multi(absent)).ok).toBe(true);
    await client.create('/a/b', bytes(''));
    expect(await client.multi(absent)).toMatchObject({ ok: false, index: 0, error: { code: 'NODE_EXISTS' } });
  };
  await world.settled(script());
});

test('one-time watches fire once, others until they are removed, before the answer of a read that sees the change', async () => {
  const world = new ModelWorld(3, { lagMs: (random) => random.next() * 40 });
  const [one, other] = [world.client(), world.client()];
  const heard: string[] = [];
  const script = async (): Promise<void> => {
    await one.create('/a', bytes(''));
    await other.sync('/');
    await other.get('/a', (event) => heard.push(`data ${eventText(event)}`));
    await other.children('/a', (event) => heard.push(`children ${eventText(event)}`));
    await other.exists('/a/b', (event) => heard.push(`exists ${eventText(event)}`));
    const watch = await other.addWatch('/', 'persistent-recursive', (event) => heard.push(`all ${eventText(event)}`));
    await one.create('/a/b', bytes(''));
    await one.set('/a', bytes('1'));
    await one.set('/a', bytes('2'));
    await other.sync('/');
    expect((await other.get('/a')).stat.version).toBe(2);
    expect(heard).toEqual([
      'exists created /a/b',
      'all created /a/b',
      'children children-changed /a',
      'data changed /a',
      'all changed /a',
      'all changed /a',
    ]);
    await watch.remove();
    await one.delete('/a/b');
    await other.sync('/');
    await other.exists('/a');
    expect(heard).toHaveLength(6);
  };
  await world.settled(script());
});

test('a server that lags shows what was: a follower until it is synced, the one that leads until a write is agreed on', async () => {
  const stale = { unasked: 0, synced: 0, syncedAtLeader: 0 };
  for (let seed = 1; seed <= 20; seed++) {
    const world = new ModelWorld(seed, { lagMs: (random) => random.next() * 200 });
    const [one, other] = [world.client(), world.client()];
    const numberIn = async (client: typeof one): Promise<number> =>
      Number(Buffer.from((await client.get('/a')).data).toString());
    const script = async (): Promise<void> => {
      await one.create('/a', bytes('0'));
      await other.multi([{ kind: 'check', path: '/', version: -1 }]);
      const isAtLeader = [...world.ensemble.servers[0]!.connections].some(
        ({ session }) => session === other.session?.id,
      );
      for (let count = 1; count <= 20; count++) {
        await one.set('/a', bytes(String(count)));
        expect(await numberIn(one)).toBe(count);
        stale.unasked += (await numberIn(other)) < count ? 1 : 0;
        await other.sync('/');
        stale[isAtLeader ? 'syncedAtLeader' : 'synced'] += (await numberIn(other)) < count ? 1 : 0;
        await other.multi([{ kind: 'check', path: '/', version: -1 }]);
        expect(await numberIn(other)).toBe(count);
      }
    };
    await world.settled(script());
  }
  expect(stale).toEqual({ unasked: expect.any(Number), synced: 0, syncedAtLeader: expect.any(Number) });
  expect(Math.min(stale.unasked, stale.syncedAtLeader)).toBeGreaterThan(0);
});

test('a lost connection leaves open whether a write has happened; sync and a read on the same session decide', async () => {
  const counts = { applied: 0, not: 0, seenOnlyAfterSync: 0 };
  for (let seed = 1; seed <= 200; seed++) {
    const world = new ModelWorld(seed, {
      delayMs: (random) => random.next() * 10,
      lagMs: (random) => random.next() * 200,
    });
    const client = world.client();
    const script = async (): Promise<void> => {
      await client.create('/a', bytes(''));
      const session = client.session?.id;
      const write = codeAfter(client.set('/a', bytes('1')));
      world.time.after(world.random.next() * 25, () => client.breakConnection());
      if ((await write) === 'done') {
        return;
      }
      expect(await write).toBe('CONNECTION_LOSS');
      const before = (await client.get('/a')).stat.version;
      await client.sync('/');
      const after = (await client.get('/a')).stat.version;
      expect(client.session?.id).toBe(session);
      await world.sleep(2_000);
      await client.sync('/');
      expect((await client.get('/a')).stat.version).toBe(after);
      counts[after === 1 ? 'applied' : 'not']++;
      counts.seenOnlyAfterSync += before < after ? 1 : 0;
    };
    await world.settled(script());
  }
  expect(Math.min(counts.applied, counts.not, counts.seenOnlyAfterSync)).toBeGreaterThan(0);
});

test('a session outlives its connection, not its timeout; its ephemeral nodes go with it', async () => {
  const world = new ModelWorld(5);
  let isCutOff = false;
  const [one, other] = [world.client(5_000, () => !isCutOff), world.client()];
  const states: string[] = [];
  one.onState((state) => states.push(state));
  const heard: string[] = [];
  await world.settled(one.create('/e', bytes(''), { mode: 'ephemeral' }));
  await world.settled(other.exists('/e', (event) => heard.push(eventText(event))));
  await world.pass(60_000);
  expect([states, heard]).toEqual([['connected'], []]);
  isCutOff = true;
  await world.pass(4_500);
  expect(states.at(-1)).toBe('connecting');
  isCutOff = false;
  await world.pass(20_000);
  expect([one.state, heard]).toEqual(['connected', []]);
  isCutOff = true;
  await world.pass(7_000);
  expect([one.state, heard]).toEqual(['connecting', ['deleted /e']]);
  const write = codeAfter(one.create('/f', bytes('')));
  isCutOff = false;
  expect(await world.settled(write)).toBe('SESSION_EXPIRED');
  expect(one.state).toBe('expired');
});

test('a client is not told of a session that was ended behind its back, until it connects again', async () => {
  const world = new ModelWorld(6);
  const client = world.client();
  await world.settled(client.create('/e', bytes(''), { mode: 'ephemeral' }));
  world.ensemble.expire(client.session?.id ?? 0n);
  expect([client.state, world.ensemble.tree.get('/e')]).toEqual(['connected', undefined]);
  await world.until(() => client.state === 'expired');
});

test('watches go on over a new connection: what was missed comes as what differs now', async () => {
  const world = new ModelWorld(7);
  let isCutOff = false;
  const [one, other] = [world.client(5_000, () => !isCutOff), world.client()];
  const heard: string[] = [];
  const script = async (): Promise<void> => {
    for (const path of ['/a', '/a/gone', '/a/changed']) {
      await other.create(path, bytes(''));
    }
    await one.sync('/');
    await one.addWatch('/a', 'persistent-recursive', (event) => heard.push(eventText(event)));
    await one.get('/a/gone', (event) => heard.push(`once ${eventText(event)}`));
    isCutOff = true;
    await world.sleep(1);
    await other.delete('/a/gone');
    await other.set('/a/changed', bytes('1'));
    await other.create('/a/new', bytes(''));
    await other.create('/a/short', bytes(''));
    await other.delete('/a/short');
  };
  await world.settled(script());
  await world.pass(4_000);
  isCutOff = false;
  await world.until(() => one.state === 'connected');
  await world.settled(one.exists('/a'));
  expect(heard.toSorted()).toEqual(['changed /a/changed', 'created /a/new', 'deleted /a/gone', 'once deleted /a/gone']);
});

test('an ensemble that is away keeps its sessions; one that holds an older copy has those of then', async () => {
  const world = new ModelWorld(8);
  const [early, late] = [world.client(), world.client()];
  await world.settled(early.create('/a', bytes(''), { mode: 'ephemeral' }));
  const copy = world.ensemble.copy();
  await world.settled(early.set('/a', bytes('1')));
  await world.settled(late.create('/b', bytes('')));
  world.ensemble.away();
  await world.pass(60_000);
  expect(early.state).toBe('connecting');
  world.ensemble.back();
  await world.settled(late.exists('/b'));
  expect(early.session?.id).toBeDefined();
  expect((await world.settled(early.get('/a'))).stat.version).toBe(1);
  world.ensemble.restore({ tree: copy.tree, sessions: copy.sessions.filter(({ id }) => id === early.session?.id) });
  await world.pass(1_000);
  // Who has seen more than the servers have is not let in.
  expect([early.state, late.state]).toEqual(['connecting', 'connecting']);
  const fresh = world.client();
  expect((await world.settled(fresh.get('/a'))).stat.version).toBe(0);
  expect(await world.settled(fresh.exists('/b'))).toBeUndefined();
});

test('a server that is cut off from the others answers reads and no write; its clients go elsewhere', async () => {
  const world = new ModelWorld(9);
  const client = world.client();
  await world.settled(client.create('/a', bytes('')));
  const server = world.ensemble.servers.find(({ connections }) => connections.size > 0)!;
  world.ensemble.isolate(server);
  await world.settled(client.get('/a'), 100);
  expect(await world.settled(codeAfter(client.set('/a', bytes('1'))))).toBe('CONNECTION_LOSS');
  await world.settled(client.set('/a', bytes('2')));
  world.ensemble.rejoin(server);
  await world.pass(100);
  expect(server.tree.get('/a')?.version).toBe(1);
});
