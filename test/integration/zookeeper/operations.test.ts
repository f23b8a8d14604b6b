import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MultiOperation } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { bytes, Clients, endOf, recorder, textOf } from './clients.ts';
import { Ensemble } from './ensemble.ts';
import { eventually } from './eventually.ts';

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start({
    servers: 1,
    java: [
      '-Dzookeeper.extendedTypesEnabled=true',
      '-Dznode.container.checkIntervalMs=300',
      '-Dzookeeper.enforceQuota=true',
    ],
  });
});
afterAll(() => ensemble?.stop());
const clients = (): Clients => new Clients(ensemble.connectString);

describe('nodes', () => {
  test('are created, read, changed and deleted', async () => {
    await using opened = clients();
    const client = opened.open();
    const made = await client.create('/node', bytes('one'));
    expect(made.path).toBe('/node');
    expect(made.stat).toMatchObject({ version: 0, dataLength: 3, ephemeralOwner: 0n, childrenCount: 0 });
    expect(Math.abs(made.stat.createdAtMs - Date.now())).toBeLessThan(60_000);
    const changed = await client.set('/node', bytes('four'), 0);
    expect(changed).toMatchObject({ version: 1, dataLength: 4, createdIn: made.stat.createdIn });
    expect(changed.modifiedIn).toBeGreaterThan(made.stat.createdIn);
    const read = await client.get('/node');
    expect([textOf(read.data), read.stat]).toEqual(['four', changed]);
    await client.create('/node/ä', new Uint8Array(0));
    expect((await client.get('/node/ä')).data).toEqual(new Uint8Array(0));
    expect(await client.children('/node')).toMatchObject({ names: ['ä'], stat: { childrenCount: 1 } });
    expect(await client.exists('/node')).toMatchObject({ version: 1, childrenVersion: 1 });
    expect(await client.exists('/nobody')).toBeUndefined();
    await client.sync('/node');
    await client.delete('/node/ä');
    await client.delete('/node', 1);
    expect(await client.exists('/node')).toBeUndefined();
  });

  test('of each mode', async () => {
    await using opened = clients();
    const client = await opened.connected();
    const other = await opened.connected();
    await client.create('/modes', bytes(''));
    const create = async (name: string, options: Parameters<typeof client.create>[2]) =>
      client.create(`/modes/${name}`, bytes('x'), options);
    expect((await create('s-', { mode: 'persistent-sequential' })).path).toBe('/modes/s-0000000000');
    expect((await create('', { mode: 'ephemeral-sequential' })).path).toBe('/modes/0000000001');
    expect((await create('e', { mode: 'ephemeral' })).stat.ephemeralOwner).toBe(client.session!.id);
    expect((await create('ttl', { mode: 'persistent-ttl', ttlMs: 60_000 })).stat.ephemeralOwner).toBe(0n);
    expect((await create('t-', { mode: 'persistent-sequential-ttl', ttlMs: 400 })).path).toBe('/modes/t-0000000004');
    expect((await create('c', { mode: 'container' })).stat.ephemeralOwner).toBe(0n);
    await client.create('/modes/c/child', bytes(''));
    await client.delete('/modes/c/child');
    await eventually('the container and the node with a short time are gone', async () => {
      const { names } = await client.children('/modes');
      return !names.includes('c') && !names.includes('t-0000000004');
    });
    await client.close();
    expect((await other.children('/modes')).names.toSorted()).toEqual(['s-0000000000', 'ttl']);
  });

  test('refuse with the reason', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/refuse', bytes(''));
    await client.create('/refuse/e', bytes(''), { mode: 'ephemeral' });
    expect(await endOf(client.create('/refuse', bytes('')))).toBe('NODE_EXISTS');
    expect(await endOf(client.create('/no/parent', bytes('')))).toBe('NO_NODE');
    expect(await endOf(client.create('/refuse/e/child', bytes('')))).toBe('NO_CHILDREN_FOR_EPHEMERALS');
    expect(await endOf(client.delete('/refuse'))).toBe('NOT_EMPTY');
    expect(await endOf(client.set('/refuse', bytes(''), 7))).toBe('BAD_VERSION');
    expect(await endOf(client.delete('/refuse/e', 7))).toBe('BAD_VERSION');
    expect(await endOf(client.create('/refuse/x', bytes(''), { acl: [] }))).toBe('INVALID_ACL');
    expect(await endOf(client.create('/refuse/x', bytes(''), { mode: 'persistent-ttl' }))).toBe('BAD_ARGUMENTS');
    for (const path of ['', 'a', '/a/', '/a//b', '/a/../b', '/a\u0000', '/\u{1f600}']) {
      expect([path, await endOf(client.get(path))]).toEqual([path, 'BAD_ARGUMENTS']);
    }
    expect(await endOf(client.set('/refuse', new Uint8Array(1_048_576)))).toBe('BAD_ARGUMENTS');
    // As large as it goes, there and back.
    await client.set('/refuse', new Uint8Array(1_048_000).fill(7));
    expect((await client.get('/refuse')).data.length).toBe(1_048_000);
  });

  test('with a quota, enforced', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/small', bytes(''));
    await client.create('/zookeeper/quota/small', bytes(''));
    await client.create('/zookeeper/quota/small/zookeeper_limits', bytes('count=-1,bytes=-1;byteHardLimit=10'));
    await client.create('/zookeeper/quota/small/zookeeper_stats', bytes('count=1,bytes=0'));
    expect(await endOf(client.set('/small', bytes('more than ten bytes')))).toBe('QUOTA_EXCEEDED');
    await client.set('/small', bytes('ten bytes!'));
  });
});

describe('multi', () => {
  test('does all, and says what each did', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/multi', bytes('0'));
    const outcome = await client.multi([
      { kind: 'check', path: '/multi', version: 0 },
      { kind: 'create', path: '/multi/n-', data: bytes('a'), options: { mode: 'ephemeral-sequential' } },
      { kind: 'create', path: '/multi/c', data: bytes('a'), options: { mode: 'container' } },
      { kind: 'create', path: '/multi/t', data: bytes('a'), options: { mode: 'persistent-ttl', ttlMs: 90_000 } },
      { kind: 'set', path: '/multi', data: bytes('12'), version: 0 },
      { kind: 'delete', path: '/multi/t' },
    ]);
    expect(outcome).toEqual({
      ok: true,
      results: [
        { kind: 'check' },
        { kind: 'create', path: '/multi/n-0000000000' },
        { kind: 'create', path: '/multi/c' },
        { kind: 'create', path: '/multi/t' },
        { kind: 'set', stat: expect.objectContaining({ version: 1, dataLength: 2 }) as unknown },
        { kind: 'delete' },
      ],
    });
    expect(await client.multi([])).toEqual({ ok: true, results: [] });
  });

  test('does nothing where one fails, and says which and why', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/none', bytes('0'));
    await client.set('/none', bytes('1'));
    const failing: readonly (readonly [MultiOperation, string])[] = [
      [{ kind: 'check', path: '/none', version: 0 }, 'BAD_VERSION'],
      [{ kind: 'set', path: '/none', data: bytes('x'), version: 0 }, 'BAD_VERSION'],
      [{ kind: 'delete', path: '/none', version: 0 }, 'BAD_VERSION'],
      [{ kind: 'check', path: '/nobody', version: -1 }, 'NO_NODE'],
      [{ kind: 'create', path: '/none', data: bytes('') }, 'NODE_EXISTS'],
    ];
    for (const [operation, code] of failing) {
      const outcome = await client.multi([
        { kind: 'create', path: '/none/child', data: bytes('') },
        operation,
        { kind: 'delete', path: '/none/child' },
      ]);
      expect(outcome).toMatchObject({ ok: false, index: 1, error: { code, path: operation.path } });
    }
    expect(await client.exists('/none/child')).toBeUndefined();
    expect((await client.get('/none')).stat.version).toBe(1);
    expect(await endOf(client.multi([{ kind: 'check', path: 'bad', version: 0 }]))).toBe('BAD_ARGUMENTS');
  });
});

describe('multiRead', () => {
  test('reads each for itself, also where one is not there or must not be read', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/many', bytes('many'));
    await client.create('/many/one', bytes('1'));
    await client.create('/many/ä', bytes(''));
    const secret = { acl: [{ scheme: 'digest', id: 'me:nobody', permissions: ['read'] as const }] };
    await client.create('/many/secret', bytes('x'), secret);
    const results = await client.multiRead([
      { kind: 'get', path: '/many' },
      { kind: 'children', path: '/many' },
      { kind: 'get', path: '/nobody' },
      { kind: 'children', path: '/nobody' },
      { kind: 'get', path: '/many/secret' },
      { kind: 'children', path: '/many/one' },
      { kind: 'get', path: '/many/ä' },
    ]);
    const [one, , , , , , last] = results;
    expect(one).toEqual({ kind: 'get', ...(await client.get('/many')) });
    expect(last).toEqual({ kind: 'get', ...(await client.get('/many/ä')) });
    const names = results.map((each) => (each.kind === 'children' ? each.names.toSorted() : []));
    expect(names).toEqual([[], ['one', 'secret', 'ä'], [], [], [], [], []]);
    const errors = results.map((each) => (each.kind === 'error' ? `${each.error.code} ${each.error.path}` : ''));
    expect(errors).toEqual(['', '', 'NO_NODE /nobody', 'NO_NODE /nobody', 'NO_AUTH /many/secret', '', '']);
    expect(await client.multiRead([])).toEqual([]);
    expect(await endOf(client.multiRead([{ kind: 'get', path: 'bad' }]))).toBe('BAD_ARGUMENTS');
  });

  test('is answered in its turn, with what was written before it', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/turn', bytes('0'));
    const versions = Array.from({ length: 50 }, async (_, at) => {
      void client.set('/turn', bytes(`${at}`));
      const [read] = await client.multiRead([{ kind: 'get', path: '/turn' }]);
      return read?.kind === 'get' ? textOf(read.data) : undefined;
    });
    expect(await Promise.all(versions)).toEqual(Array.from({ length: 50 }, (_, at) => `${at}`));
  });

  test('of a thousand nodes is one request', async () => {
    await using opened = clients();
    const client = opened.open();
    await client.create('/thousand', bytes(''));
    const paths = Array.from({ length: 1_000 }, (_, at) => `/thousand/${at}`);
    await Promise.all(paths.map((path) => client.create(path, bytes(path))));
    const results = await client.multiRead(paths.map((path) => ({ kind: 'get', path })));
    expect(results.map((each) => (each.kind === 'get' ? textOf(each.data) : each.kind))).toEqual(paths);
  });
});

describe('a chroot', () => {
  test('is below every path, in answers and events too', async () => {
    await using opened = clients();
    const whole = opened.open();
    await whole.create('/root', bytes('r'));
    const client = opened.open({ connectString: `${ensemble.connectString}/root` });
    const { events, watch } = recorder();
    const tree = recorder();
    await client.addWatch('/', 'persistent-recursive', tree.watch);
    await client.children('/', watch);
    await client.exists('/a-0000000000', watch);
    expect((await client.create('/a-', bytes(''), { mode: 'persistent-sequential' })).path).toBe('/a-0000000000');
    expect(await client.multi([{ kind: 'create', path: '/b', data: bytes('') }])).toMatchObject({
      results: [{ path: '/b' }],
    });
    expect(textOf((await client.get('/')).data)).toBe('r');
    expect(events).toEqual(['created /a-0000000000', 'children-changed /']);
    expect(tree.events).toEqual(['created /a-0000000000', 'created /b']);
    expect((await whole.children('/root')).names.toSorted()).toEqual(['a-0000000000', 'b']);
  });
});

describe('who may do what', () => {
  const mine = [{ scheme: 'auth', id: '', permissions: ['read', 'write', 'create', 'delete', 'admin'] as const }];

  test('is said when a node is made', async () => {
    await using opened = clients();
    const owner = opened.open({ auth: [{ scheme: 'digest', credentials: bytes('me:secret') }] });
    const stranger = opened.open();
    await owner.create('/mine', bytes('x'), { acl: mine });
    expect(await endOf(stranger.get('/mine'))).toBe('NO_AUTH');
    expect(await endOf(stranger.create('/mine/child', bytes('')))).toBe('NO_AUTH');
    const { acl, stat } = await owner.getAcl('/mine');
    expect(acl).toEqual([
      { scheme: 'digest', id: expect.stringMatching(/^me:/) as unknown, permissions: mine[0]!.permissions },
    ]);
    expect((await owner.whoAmI()).map(({ scheme, id }) => `${scheme} ${id}`)).toContain('digest me');
    const readers = [...acl, { scheme: 'world', id: 'anyone', permissions: ['read'] as const }];
    expect(await owner.setAcl('/mine', readers, stat.aclVersion)).toMatchObject({ aclVersion: 1 });
    expect(await endOf(owner.setAcl('/mine', readers, 0))).toBe('BAD_VERSION');
    expect(await endOf(stranger.get('/mine'))).toBe('ok');
    expect(await endOf(stranger.set('/mine', bytes('')))).toBe('NO_AUTH');
    await stranger.addAuth('digest', bytes('me:secret'));
    expect(await endOf(stranger.set('/mine', bytes('')))).toBe('ok');
  });

  test('a scheme that the ensemble does not know ends the client', async () => {
    await using opened = clients();
    const client = await opened.connected();
    const states: string[] = [];
    client.onState((state) => states.push(state));
    expect(await endOf(client.addAuth('nonsense', bytes('x')))).toBe('AUTH_FAILED');
    expect(client.state).toBe('auth-failed');
    expect(await endOf(client.get('/'))).toBe('AUTH_FAILED');
    expect(states).toEqual(['auth-failed']);
  });
});

describe('a session', () => {
  test('is attached to and ended by another client', async () => {
    await using opened = clients();
    const first = await opened.connected();
    await first.create('/held', bytes(''), { mode: 'ephemeral' });
    const second = await opened.connected({ session: first.session! });
    expect(second.session!.id).toBe(first.session!.id);
    await second.close();
    await eventually('the first one knows that its session is gone', () => first.state === 'expired');
    expect(await endOf(first.get('/'))).toBe('SESSION_EXPIRED');
    const third = await opened.connected();
    expect(await third.exists('/held')).toBeUndefined();
    const fourth = opened.open({ session: second.session! });
    expect(await endOf(fourth.get('/'))).toBe('SESSION_EXPIRED');
    expect(fourth.state).toBe('expired');
  });

  test('needs its password', async () => {
    await using opened = clients();
    const first = await opened.connected();
    const { id } = first.session!;
    const thief = opened.open({ session: { id, password: new Uint8Array(16) } });
    expect(await endOf(thief.get('/'))).toBe('SESSION_EXPIRED');
    // Where both are on one server, the thief costs it its connection.
    await eventually('the first one goes on', async () => (await endOf(first.sync('/'))) === 'ok');
    expect(first.session!.id).toBe(id);
  });

  test('has the timeout that the ensemble grants, and outlives a pause without operations', async () => {
    await using opened = clients();
    const client = await opened.connected({ sessionTimeoutMs: 100 });
    expect(client.session!.timeoutMs).toBe(500);
    const states: string[] = [];
    client.onState((state) => states.push(state));
    const startedAt = performance.now();
    await eventually('two seconds have passed', () => performance.now() - startedAt > 2_000);
    await client.sync('/');
    expect(states).toEqual([]);
  });
});
