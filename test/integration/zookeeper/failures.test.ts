import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bytes, Clients, endOf, recorder, until } from './clients.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { Ensemble } from './ensemble.ts';
import { eventually } from './eventually.ts';

const SESSION_MS = 2_000;

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start();
});
afterAll(() => ensemble?.stop());
beforeEach(() => ensemble.mend());
const clients = (): Clients => new Clients(ensemble.connectString);

/** Milliseconds until it settled, and how. */
const timed = async (promise: Promise<unknown>): Promise<readonly [number, string]> => {
  const startedAt = performance.now();
  const end = await endOf(promise);
  return [performance.now() - startedAt, end];
};

const MAY_HAPPEN = ['ok', 'CONNECTION_LOSS', 'OPERATION_TIMEOUT', 'NOT_CONNECTED'];

describe('a server dies', () => {
  test.each(['connected', 'leader'] as const)('%s: the session goes on at another', async (which) => {
    await using opened = clients();
    const client = await opened.connected({ sessionTimeoutMs: 4_000 });
    const { id } = client.session!;
    await client.create(`/dies-${which}`, bytes(''), { mode: 'ephemeral' });
    const { events, watch } = recorder();
    await client.get(`/dies-${which}`, watch);
    await ensemble.kill(which === 'leader' ? await ensemble.leader() : await ensemble.connectedTo(id));
    const [tookMs, end] = await timed(client.set(`/dies-${which}`, bytes('x')));
    expect(MAY_HAPPEN).toContain(end);
    expect(tookMs).toBeLessThan(12_000);
    await eventually('a write succeeds', async () => (await endOf(client.set(`/dies-${which}`, bytes('y')))) === 'ok');
    expect(client.session!.id).toBe(id);
    expect((await client.exists(`/dies-${which}`))?.ephemeralOwner).toBe(id);
    expect(events).toEqual([`changed /dies-${which}`]);
  });
});

describe('a server freezes', () => {
  test('the one that the client is connected to: it moves on in time, and keeps its session', async () => {
    await using opened = clients();
    const client = await opened.connected({ sessionTimeoutMs: SESSION_MS });
    const { id } = client.session!;
    await client.create('/freezes', bytes(''), { mode: 'ephemeral' });
    const frozen = await ensemble.connectedTo(id);
    ensemble.pause(frozen);
    const [tookMs, end] = await timed(client.set('/freezes', bytes('x')));
    expect(end).toBe('CONNECTION_LOSS');
    expect(tookMs).toBeLessThan(3 * SESSION_MS);
    await eventually('a write succeeds', async () => (await endOf(client.set('/freezes', bytes('y')))) === 'ok');
    expect(client.session!.id).toBe(id);
    expect((await client.exists('/freezes'))?.ephemeralOwner).toBe(id);
    expect(await ensemble.connectedTo(id)).not.toBe(frozen);
  });

  test('the leader: writes stall until there is another, each call settles in time', async () => {
    await using opened = clients();
    const client = await opened.connected({ sessionTimeoutMs: 4_000 });
    ensemble.pause(await ensemble.leader());
    await eventually('a write succeeds', async () => {
      const [tookMs, end] = await timed(client.create('/led', bytes('')));
      expect(tookMs).toBeLessThan(12_000);
      return end === 'ok' || end === 'NODE_EXISTS';
    });
    expect(client.state).toBe('connected');
  });

  test('the only one that is left: connecting to it goes on to the next in time', async () => {
    await using opened = clients();
    const frozen = 0;
    ensemble.pause(frozen);
    const client = opened.open({
      connectString: `127.0.0.1:${ensemble.portOf(frozen)}`,
      sessionTimeoutMs: 1_000,
    });
    const [tookMs, end] = await timed(client.sync('/'));
    expect(end).toBe('NOT_CONNECTED');
    expect(tookMs).toBeGreaterThan(1_900);
    expect(tookMs).toBeLessThan(6_000);
    ensemble.resume(frozen);
    await until(client, 'connected');
  });
});

describe('a majority is gone', () => {
  test('every call settles in time, the session goes on when it is back', async () => {
    await using opened = clients();
    const client = await opened.connected({ sessionTimeoutMs: 20_000 });
    const { id } = client.session!;
    await client.create('/majority', bytes(''), { mode: 'ephemeral' });
    const connected = await ensemble.connectedTo(id);
    const others = [0, 1, 2].filter((server) => server !== connected);
    const patient = opened.open({ connectString: `127.0.0.1:${ensemble.portOf(connected)}`, sessionTimeoutMs: 1_000 });
    await until(patient, 'connected');
    await Promise.all(others.map((server) => ensemble.kill(server)));
    const ends = await Promise.all([timed(patient.sync('/')), timed(patient.set('/majority', bytes('x')))]);
    for (const [tookMs, end] of ends) {
      expect(tookMs).toBeLessThan(6_000);
      expect(MAY_HAPPEN).toContain(end);
    }
    others.forEach((server) => ensemble.restart(server));
    await eventually('a write succeeds', async () => (await endOf(client.set('/majority', bytes('y')))) === 'ok');
    expect(client.session!.id).toBe(id);
  });

  test('frozen: a write fails in time', async () => {
    await using opened = clients();
    const client = await opened.connected({ sessionTimeoutMs: SESSION_MS });
    const connected = await ensemble.connectedTo(client.session!.id);
    [0, 1, 2].filter((server) => server !== connected).forEach((server) => ensemble.pause(server));
    const [tookMs, end] = await timed(client.create('/frozen', bytes('')));
    expect(['CONNECTION_LOSS', 'OPERATION_TIMEOUT']).toContain(end);
    expect(tookMs).toBeLessThan(2 * SESSION_MS + 4_000);
  });
});

describe('the session expires', () => {
  test('because its process was paused: it is told at once, and so are all operations', async () => {
    await using opened = clients();
    const other = await opened.connected();
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'client-process.ts'), ensemble.connectString, '1000'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    try {
      await eventually('it holds a node', () => lines.includes('holds'));
      child.kill('SIGSTOP');
      await eventually('its node is gone', async () => (await other.exists('/held')) === undefined);
      lines.length = 0;
      const resumedAt = performance.now();
      child.kill('SIGCONT');
      await eventually('it knows', () => lines.includes('expired'), { everyMs: 2 });
      expect(performance.now() - resumedAt).toBeLessThan(4_000);
      await eventually('its operations know', () => lines.includes('get SESSION_EXPIRED'));
      expect(lines.filter((line) => line.startsWith('connected'))).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('while an operation waits for a connection', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(0));
    const client = await opened.connected({ connectString: proxy.connectString, sessionTimeoutMs: 1_000 });
    const other = await opened.connected();
    await client.create('/expires', bytes(''), { mode: 'ephemeral' });
    proxy.cut();
    await until(client, 'connecting');
    await eventually('the node is gone', async () => (await other.exists('/expires')) === undefined);
    const waiting = endOf(client.get('/'));
    const states: string[] = [];
    client.onState((state) => states.push(state));
    proxy.mend();
    expect(await waiting).toBe('SESSION_EXPIRED');
    expect(states).toEqual(['expired']);
    expect(client.session).toBeDefined();
  });
});

describe('the process ends', () => {
  test('right after close(): the ensemble has heard of it', async () => {
    await using opened = clients();
    const other = await opened.connected();
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'client-process.ts'), ensemble.connectString, '20000'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      if (line === 'holds') {
        break;
      }
    }
    const exited = once(child, 'exit');
    child.stdin.write('end\n');
    await exited;
    await eventually('the node is gone', async () => (await other.exists('/held')) === undefined, { timeoutMs: 2_000 });
  });
});

describe('the connection is away', () => {
  test('operations wait in their order, identities go first', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(1));
    const client = await opened.connected({ connectString: proxy.connectString, sessionTimeoutMs: 6_000 });
    await client.create('/waits', bytes(''));
    proxy.cut();
    await until(client, 'connecting');
    const order: string[] = [];
    const acl = [{ scheme: 'auth', id: '', permissions: ['read', 'create', 'write', 'delete', 'admin'] as const }];
    const all = [
      client.create('/waits/a', bytes('1'), { acl }).then(() => order.push('create')),
      client.addAuth('digest', bytes('me:secret')),
      client.set('/waits/a', bytes('2')).then(() => order.push('set')),
      client.get('/waits/a').then(({ stat }) => order.push(`get ${stat.version}`)),
      client.delete('/waits/a').then(() => order.push('delete')),
    ];
    proxy.mend();
    await Promise.all(all);
    expect(order).toEqual(['create', 'set', 'get 1', 'delete']);
  });

  test('close() ends at once', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(1));
    const client = await opened.connected({ connectString: proxy.connectString, sessionTimeoutMs: 1_000 });
    proxy.cut();
    await until(client, 'connecting');
    const waiting = endOf(client.sync('/'));
    const startedAt = performance.now();
    await client.close();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect([await waiting, client.state]).toEqual(['SESSION_CLOSED', 'closed']);
    const { accepted } = proxy;
    await eventually('a while has passed', () => performance.now() - startedAt > 500);
    expect(proxy.accepted).toBe(accepted);
  });

  test('a server that accepts and closes is tried ever more seldom, and nothing piles up', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(1));
    proxy.cut();
    const client = opened.open({ connectString: proxy.connectString, sessionTimeoutMs: 4_000 });
    const startedAt = performance.now();
    const ends = Promise.all(Array.from({ length: 100 }, () => endOf(client.get('/'))));
    await eventually('three seconds have passed', () => performance.now() - startedAt > 3_000);
    expect(proxy.accepted).toBeGreaterThan(3);
    expect(proxy.accepted).toBeLessThan(20);
    proxy.mend();
    expect(new Set(await ends)).toEqual(new Set(['ok']));
  });

  test('behind silence: it is noticed, and what waited is sent where it gets through', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(1));
    const client = await opened.connected({
      connectString: `${proxy.connectString},127.0.0.1:${ensemble.portOf(2)}`,
      sessionTimeoutMs: 1_500,
    });
    for (let round = 0; round < 3; round++) {
      proxy.hold();
      await eventually('a write succeeds', async () => (await endOf(client.sync('/'))) === 'ok');
      proxy.release();
    }
    expect(client.state).toBe('connected');
  });
});
