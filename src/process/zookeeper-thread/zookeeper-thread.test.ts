import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ends } from '../../coordination/zookeeper/client/test-support/client-world.ts';
import { writeStat } from '../../coordination/zookeeper/client/test-support/fake-network.ts';
import { OP } from '../../coordination/zookeeper/client/wire-codes.ts';
import type { ZooKeeperClient } from '../../coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../coordination/zookeeper/client/zookeeper-error.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import { systemClock } from '../../foundation/common/system-clock.ts';
import type { ThreadClientOptions, ZooKeeperThreadSettings } from './thread-messages.ts';
import { ClientChild } from './test-support/client-child.ts';
import { FakeZooKeeper, SESSION_ID } from './test-support/fake-zookeeper.ts';
import { startZooKeeperThread, type ZooKeeperThread } from './zookeeper-thread.ts';

/** Nothing here takes so long by itself. */
const PATIENCE_MS = 30_000;
const DATA = new Uint8Array([1, 2, 3]);

let server: FakeZooKeeper;
let thread: ZooKeeperThread;
let lines: string[];

const start = (hangMs: number, startWorker?: (settings: ZooKeeperThreadSettings) => Worker): ZooKeeperThread => {
  const logger: Logger = { ...silentLogger, warn: (message) => lines.push(message) };
  return startZooKeeperThread({
    ...{ clock: systemClock, logger, hangMs },
    ...(startWorker === undefined ? {} : { startWorker }),
  });
};

const eventually = async (what: string, holds: () => boolean): Promise<void> => {
  for (const giveUpAtMs = systemClock.monotonic() + PATIENCE_MS; !holds();) {
    expect(systemClock.monotonic(), `milliseconds without this: ${what}`).toBeLessThan(giveUpAtMs);
    await new Promise<void>((resolve) => systemClock.after(2, resolve));
  }
};

const connect = (options: Partial<ThreadClientOptions> = {}): ZooKeeperClient =>
  thread.connect({ connectString: server.connectString, sessionTimeoutMs: 10_000, ...options });

const connected = async (options: Partial<ThreadClientOptions> = {}): Promise<ZooKeeperClient> => {
  const client = connect(options);
  await eventually('connected', () => client.state === 'connected');
  return client;
};

/** Nothing else runs in this thread meanwhile. */
const holdUp = (durationMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
};

/** Answers the closing of sessions, and waits until the client is closed. */
const closed = async (client: ZooKeeperClient): Promise<void> => {
  const closing = client.close();
  const { xid, op } = await server.request();
  expect(op).toBe(OP.closeSession);
  server.link.answer(xid, 9n);
  await closing;
};

beforeEach(async () => {
  server = await FakeZooKeeper.start();
  lines = [];
  thread = start(PATIENCE_MS);
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await thread.close();
});

describe('operations', () => {
  test('are sent in the order of the calls, and their answers and errors come as they are', async () => {
    const client = connect();
    const data = Buffer.from('of a pool');
    const asked = [
      client.create('/a', data, { mode: 'ephemeral' }),
      client.get('/a'),
      client.exists('/none'),
      client.children('/a'),
      client.set('/a', DATA, 7),
      client.delete('/a'),
    ] as const;
    const settled = Promise.allSettled(asked);
    data.fill(0);
    const create = await server.request();
    expect([create.body.string(), Buffer.from(create.body.buffer()).toString()]).toEqual(['/a', 'of a pool']);
    server.link.answer(create.xid, 5n, 0, (writer) => writeStat(writer.string('/a'), { createdIn: 2n ** 62n }));
    const ops: number[] = [create.op];
    for (const answer of [
      (xid: number) => server.link.answer(xid, 5n, 0, (writer) => writeStat(writer.buffer(DATA))),
      (xid: number) => server.link.answer(xid, 5n, -101),
      (xid: number) => server.link.answer(xid, 5n, 0, (writer) => writeStat(writer.int(1).string('child'))),
      (xid: number) => server.link.answer(xid, 5n, -103),
      (xid: number) => server.link.answer(xid, 6n),
    ]) {
      const { xid, op } = await server.request();
      ops.push(op);
      answer(xid);
    }
    expect(ops).toEqual([OP.create2, OP.getData, OP.exists, OP.getChildren2, OP.setData, OP.delete]);
    const [created, got, missing, children, set, deleted] = await settled;
    expect(created).toMatchObject({ value: { path: '/a', stat: { createdIn: 2n ** 62n } } });
    expect(got).toMatchObject({ value: { data: DATA } });
    expect([missing, children, deleted]).toMatchObject([
      { value: undefined },
      { value: { names: ['child'] } },
      { status: 'fulfilled', value: undefined },
    ]);
    const error = (set as PromiseRejectedResult).reason as ZooKeeperError;
    const same = new ZooKeeperError('BAD_VERSION', 'set', '/a');
    expect(error).toBeInstanceOf(ZooKeeperError);
    expect([error.code, error.path, error.name, error.message]).toEqual([same.code, '/a', same.name, same.message]);
    expect([error.isRetryable, error.mayHaveHappened]).toEqual([false, false]);
    expect(error.stack?.split('\n')[0]).toBe(`ZooKeeperError: ${same.message}`);
    expect(client.session).toMatchObject({ id: SESSION_ID, timeoutMs: 10_000 });
  });

  test('of a multi come with their error', async () => {
    const client = connect();
    const outcome = client.multi([
      { kind: 'create', path: '/a', data: Buffer.from('a') },
      { kind: 'check', path: '/b', version: 3 },
    ]);
    const { xid } = await server.request();
    server.link.answer(xid, 5n, 0, (writer) =>
      [0, -103]
        .reduce((each, error) => each.int(-1).bool(false).int(error).int(error), writer)
        .int(-1)
        .bool(true)
        .int(-1),
    );
    const answer = await outcome;
    expect(answer).toMatchObject({ ok: false, index: 1, error: { code: 'BAD_VERSION', path: '/b' } });
    expect(!answer.ok && answer.error).toBeInstanceOf(ZooKeeperError);
  });

  test('with arguments that are none reject, and tell nothing of them', async () => {
    const client = connect();
    const { list, track } = ends();
    track('path', client.get('no-slash'));
    track('function', client.addAuth((() => 'secret') as never, DATA));
    await eventually('both have ended', () => list.length === 2);
    expect(list.toSorted()).toEqual(['function BAD_ARGUMENTS', 'path BAD_ARGUMENTS']);
    await expect(client.addAuth((() => 'secret') as never, DATA)).rejects.not.toThrow(/secret/);
    expect(() => connect({ connectString: '' })).toThrow(ZooKeeperError);
    expect(() => connect({ sasl: { mechanism: 'GSSAPI' } as never })).toThrow(/Kerberos/);
  });

  test('more than the limit are throttled', async () => {
    const client = connect({ operationsMax: 2 });
    const { list, track } = ends();
    for (const name of ['one', 'two', 'three']) {
      track(name, client.get('/a'));
    }
    await eventually('one has ended', () => list.length > 0);
    expect(list).toEqual(['three THROTTLED']);
  });
});

describe('watches', () => {
  test('hear in the order of the ensemble, before the answer that shows it, and never from within a call', async () => {
    const client = await connected();
    const heard: string[] = [];
    const node = (name: string) => heard.push(`watch ${name}`);
    const [a, b] = [() => node('a'), () => node('b')];
    void client.get('/n', a).then(({ stat }) => heard.push(`read ${stat.version}`));
    void client.exists('/n', a);
    void client.children('/n', a);
    void client.get('/n', b);
    const requests = [await server.request(), await server.request(), await server.request(), await server.request()];
    const lasting = client.addWatch('/l', 'persistent', ({ kind, path }) => heard.push(`${kind} ${path}`));
    const add = await server.request();
    for (const { xid, op } of requests) {
      server.link.answer(xid, 5n, 0, (writer) =>
        writeStat(op === OP.getData ? writer.buffer(DATA) : op === OP.getChildren2 ? writer.int(0) : writer),
      );
    }
    server.link.answer(add.xid, 5n);
    const learn = await server.request();
    expect(learn.op).toBe(OP.exists);
    server.link.answer(learn.xid, 5n, 0, (writer) => writeStat(writer));
    const handle = await lasting;
    expect(heard).toEqual(['read 0']);
    void client.get('/n').then(({ stat }) => heard.push(`read ${stat.version}`));
    const { xid } = await server.request();
    server.link.notify(3, '/l');
    server.link.notify(2, '/n');
    server.link.answer(xid, 6n, 0, (writer) => writeStat(writer.buffer(DATA), { version: 8 }));
    await eventually('the answer was heard', () => heard.includes('read 8'));
    server.link.notify(4, '/l');
    await eventually('all was heard', () => heard.length === 6);
    // The same function once, although it waited for the node and for its children.
    expect(heard.slice(1)).toEqual(['changed /l', 'watch a', 'watch b', 'read 8', 'children-changed /l']);
    handle.end();
    server.link.notify(3, '/l');
    void client.sync('/n').then(() => heard.push('synced'));
    const sync = await server.request();
    server.link.answer(sync.xid, 7n, 0, (writer) => writer.string('/n'));
    await eventually('synced', () => heard.length > 6);
    expect(heard.slice(6)).toEqual(['synced']);
  });

  test('that hear in the same moment in which they are set are not lost', async () => {
    const client = await connected();
    const heard: string[] = [];
    void client.get('/n', () => heard.push('watch')).then(() => heard.push('read'));
    const { xid } = await server.request();
    const frames: Uint8Array[] = [];
    const { listener } = server.link;
    const { received } = listener;
    listener.received = (bytes) => frames.push(bytes);
    server.link.answer(xid, 5n, 0, (writer) => writeStat(writer.buffer(DATA)));
    server.link.notify(3, '/n');
    listener.received = received;
    server.link.deliver(Buffer.concat(frames));
    await eventually('both', () => heard.length === 2);
    expect(heard.toSorted()).toEqual(['read', 'watch']);
  });
});

describe('a thread that is held up', () => {
  test('keeps its session, whose timeout is shorter', async () => {
    server.timeoutMs = 1_000;
    await using child = new ClientChild(server.connectString, 1_000, PATIENCE_MS);
    await eventually('connected', () => child.lines.includes('connected'));
    child.say('hold-up 3000');
    await eventually('it goes on', () => child.lines.includes('done hold-up'));
    child.say('set /a');
    const { xid } = await server.request();
    server.link.answer(xid, 5n, 0, (writer) => writeStat(writer));
    await eventually('it was answered', () => child.lines.includes('done set'));
    expect(child.lines).toEqual(['connected', 'done hold-up', 'done set']);
    expect(server.hellos).toEqual([0n]);
  });

  test('for too long has no connection until it goes on', async () => {
    server.timeoutMs = 600;
    await using child = new ClientChild(server.connectString, 600, 300);
    await eventually('connected', () => child.lines.includes('connected'));
    child.say('hold-up 2500');
    await eventually('it was dropped', () => server.connections === 0);
    expect(child.lines).not.toContain('done hold-up');
    const dropped = server.hellos.length;
    await eventually('it goes on', () => child.lines.includes('done hold-up'));
    expect(dropped).toBe(1);
    await eventually('connected again', () => child.lines.filter((line) => line === 'connected').length === 2);
    expect(server.hellos).toEqual([0n, SESSION_ID]);
    child.say('close');
    const { xid, op } = await server.request();
    server.link.answer(xid, 9n);
    expect([op, await child.exit()]).toEqual([OP.closeSession, 0]);
  });

  test('for too long loses its connection without a word, and has it again when it goes on', async () => {
    await thread.close();
    thread = start(400);
    const client = await connected();
    const states: string[] = [];
    client.onState((state) => states.push(state));
    const pending = client.get('/a').catch((error: ZooKeeperError) => error.code);
    const { op } = await server.request();
    holdUp(1_500);
    await eventually('connected again', () => states.length === 2);
    expect([states, await pending, op]).toEqual([['connecting', 'connected'], 'CONNECTION_LOSS', OP.getData]);
    // Nothing was closed: it is the same session.
    expect(server.hellos).toEqual([0n, SESSION_ID]);
    expect(lines).toHaveLength(1);
    server.timeoutMs = 0;
    holdUp(1_500);
    await eventually('expired', () => client.state === 'expired');
    await expect(client.get('/a')).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
  });
});

describe('a thread that dies', () => {
  test('leaves what is pending unknown, its sessions over, and the next client gets another', async () => {
    const [one, two] = [await connected(), await connected()];
    const states: string[] = [];
    one.onState((state) => states.push(state));
    const pending = one.set('/a', DATA).catch((error: ZooKeeperError) => error);
    await server.request();
    const closing = two.close();
    await thread.endWorker();
    await closing;
    const error = await pending;
    expect(error).toMatchObject({ code: 'CONNECTION_LOSS', path: '/a', mayHaveHappened: true, isRetryable: true });
    expect([states, one.state, two.state]).toEqual([['expired'], 'expired', 'closed']);
    await expect(one.get('/a')).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
    expect(lines).toHaveLength(1);
    await one.close();
    const next = await connected();
    expect([thread.threads, next.session?.id]).toEqual([2, SESSION_ID]);
  });

  test('at once is not started again at once, and what waits for it can be closed', async () => {
    const startedAtMs: number[] = [];
    thread = start(PATIENCE_MS, () => {
      startedAtMs.push(systemClock.monotonic());
      return new Worker('throw new Error("no good")', { eval: true });
    });
    for (let number = 1; number <= 3; number++) {
      const client = connect();
      await eventually('expired', () => client.state === 'expired');
    }
    expect(startedAtMs).toHaveLength(3);
    expect(startedAtMs[1]! - startedAtMs[0]!).toBeGreaterThan(900);
    expect(startedAtMs[2]! - startedAtMs[1]!).toBeGreaterThan(900);
    expect(lines[0]).toContain('no good');
    const waits = connect();
    const get = waits.get('/a').catch((error: ZooKeeperError) => error.code);
    await waits.close();
    expect([await get, thread.threads]).toEqual(['SESSION_CLOSED', 3]);
  });

  test('because it hangs, too', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonic: () => (nowMs += 4_000) };
    thread = startZooKeeperThread({
      ...{ clock, logger: silentLogger, hangMs: 10 },
      startWorker: () => new Worker('for (;;) {}', { eval: true }),
    });
    const client = connect();
    const get = client.get('/a').catch((error: ZooKeeperError) => error.code);
    expect(await get).toBe('CONNECTION_LOSS');
    expect(client.state).toBe('expired');
  });
});

describe('close', () => {
  test('has told the operating system before it returns: the process may end right after it', async () => {
    await using child = new ClientChild(server.connectString, 10_000, PATIENCE_MS);
    await eventually('connected', () => child.lines.includes('connected'));
    child.say('close-and-exit');
    expect(await child.exit()).toBe(0);
    expect((await server.request()).op).toBe(OP.closeSession);
  });

  test('is answered by the server, and rejects what is pending', async () => {
    const client = await connected();
    const get = client.get('/a').catch((error: ZooKeeperError) => error.code);
    expect((await server.request()).op).toBe(OP.getData);
    await closed(client);
    expect([client.state, await get]).toEqual(['closed', 'SESSION_CLOSED']);
    await expect(client.get('/a')).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await client.close();
  });

  test('of the thread closes its clients and ends it', async () => {
    const client = await connected();
    const closing = thread.close();
    const { xid, op } = await server.request();
    server.link.answer(xid, 9n);
    await closing;
    expect([op, client.state]).toEqual([OP.closeSession, 'closed']);
    expect(() => connect()).toThrow(/closed/);
  });
});
