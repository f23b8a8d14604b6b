import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { Reconnecting, type ReconnectingOptions } from './reconnecting.ts';
import { RegistrationBackoff } from './registration-backoff.ts';
import type { RpcAddress } from './rpc-address.ts';
import { InMemoryWorld } from './test-support/in-memory-world.ts';
import type { TestConnection } from './test-support/test-protocol.ts';
import type { TestProcess } from './test-support/transport-world.ts';

const TIMING = { initialTimeoutMs: 100, maxTimeoutMs: 30_000, errorDelayMs: 10_000, refusedDelayMs: 30_000 };

type Options = ReconnectingOptions<RpcAddress, TestConnection>;

/** A TaskManager that looks for the leader among JobManagers `a` and `b`. */
class Cluster {
  readonly world = new InMemoryWorld();
  readonly log: string[] = [];
  readonly connectedTo: string[] = [];
  readonly attempts: number[] = [];
  readonly client: TestProcess = this.world.process({}, {}, 'tm');
  readonly reconnecting: Reconnecting<RpcAddress, TestConnection>;
  target: RpcAddress | undefined;

  constructor(options: Partial<Options> = {}) {
    const add = (message: string): void => {
      this.log.push(message);
    };
    this.reconnecting = new Reconnecting<RpcAddress, TestConnection>({
      clock: this.world.clock,
      random: seededRandom(1),
      logger: { debug: add, info: add, warn: add, error: add },
      timing: TIMING,
      what: 'the leader',
      target: () => this.target,
      nameOf: ({ host, port }) => `${host}:${port}`,
      connect: (target, attempt) => {
        this.attempts.push(this.world.clock.monotonic());
        return this.client.transport.connect(target, this.client.service, attempt);
      },
      connected: (_, { host }) => this.connectedTo.push(host),
      ...options,
    });
  }

  async serve(host: string): Promise<TestProcess> {
    const server = this.world.process({ role: 'jobmanager', resourceId: host }, {}, host);
    await server.listen();
    return server;
  }
}

describe('the pauses', () => {
  test('double up to the limits and begin anew after a reset', () => {
    const backoff = new RegistrationBackoff(TIMING, { ...seededRandom(1), next: () => 0 });
    expect(Array.from({ length: 9 }, () => backoff.failed('error'))).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000,
    ]);
    const timeouts = Array.from({ length: 10 }, () => {
      expect(backoff.failed('timeout')).toBe(0);
      return backoff.timeoutMs;
    });
    expect(timeouts.slice(-3)).toEqual([25_600, 30_000, 30_000]);
    expect(backoff.failed('refused')).toBe(30_000);
    backoff.reset();
    expect(backoff.timeoutMs).toBe(100);
    expect(backoff.failed('error')).toBe(100);
  });

  test('are not the same for everybody', () => {
    const pauses = [1, 2, 3].map((seed) => new RegistrationBackoff(TIMING, seededRandom(seed)).failed('refused'));
    expect(new Set(pauses).size).toBe(3);
    pauses.forEach((pause) => expect(pause).toBeGreaterThanOrEqual(24_000));
  });
});

describe('a connection that is kept', () => {
  test('waits until somebody is known, then until somebody is there', async () => {
    const cluster = new Cluster();
    cluster.reconnecting.start();
    await cluster.world.pass(60_000);
    expect(cluster.attempts).toEqual([]);
    cluster.target = { host: 'a', port: 40_001 };
    cluster.reconnecting.targetChanged();
    await cluster.world.until(() => cluster.attempts.length > 5);
    const server = await cluster.serve('a');
    cluster.target = server.listener!.address;
    cluster.reconnecting.targetChanged();
    await cluster.world.until(() => cluster.connectedTo.length === 1);
    expect(cluster.reconnecting.connection?.peer.resourceId).toBe('a');
    expect(cluster.log[0]).toMatch(/^No connection to the leader, a:40001: .*; trying again in \d+ ms$/);
  });

  test('comes back by itself, with pauses', async () => {
    const cluster = new Cluster();
    const server = await cluster.serve('a');
    cluster.target = server.listener!.address;
    cluster.reconnecting.start();
    await cluster.world.until(() => cluster.connectedTo.length === 1);
    cluster.world.network.break('tm', 'a');
    await cluster.world.until(() => cluster.connectedTo.length === 2);
    await server.listener!.close('bye');
    await cluster.world.pass(0);
    expect(cluster.log.at(-1)).toMatch(/Lost the connection to the leader, a:\d+: the other side closed it: bye/);
    const before = cluster.attempts.length;
    for (let second = 0; second < 60; second++) {
      await cluster.world.pass(1000);
    }
    const attempts = cluster.attempts.length - before;
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(20);
  });

  test('goes to the new leader at once, from whatever state', async () => {
    const cluster = new Cluster();
    const [a, b] = [await cluster.serve('a'), await cluster.serve('b')];
    const turnTo = async (server: TestProcess): Promise<number> => {
      const start = cluster.world.clock.monotonic();
      cluster.target = server.listener!.address;
      cluster.reconnecting.targetChanged();
      await cluster.world.until(() => cluster.reconnecting.connection?.peer.resourceId === server.hello.resourceId);
      return cluster.world.clock.monotonic() - start;
    };
    cluster.reconnecting.start();
    await turnTo(a);
    const first = cluster.reconnecting.connection;
    await turnTo(b);
    expect(first?.closeReason).toEqual({ kind: 'local' });
    await cluster.world.until(() => a.connections[0]?.closeReason !== undefined);
    expect(a.connections[0]?.closeReason).toMatchObject({
      kind: 'peer',
      farewell: expect.stringContaining('the leader is'),
    });
    // While it connects to somebody who does not answer.
    cluster.world.network.cut('tm', 'a');
    cluster.target = a.listener!.address;
    cluster.reconnecting.targetChanged();
    await cluster.world.pass(5000);
    expect(cluster.reconnecting.connection).toBeUndefined();
    expect(await turnTo(b)).toBeLessThan(50);
    // While it pauses.
    cluster.target = { host: 'c', port: 1 };
    cluster.reconnecting.targetChanged();
    await cluster.world.pass(20_000);
    expect(await turnTo(b)).toBeLessThan(50);
    cluster.reconnecting.targetChanged();
    expect(cluster.reconnecting.connection?.closeReason).toBeUndefined();
  });

  test('stays with the one it has while nobody is known', async () => {
    const cluster = new Cluster();
    const server = await cluster.serve('a');
    cluster.target = server.listener!.address;
    cluster.reconnecting.start();
    await cluster.world.until(() => cluster.connectedTo.length === 1);
    cluster.target = undefined;
    cluster.reconnecting.targetChanged();
    await cluster.world.pass(1000);
    expect(cluster.reconnecting.connection?.closeReason).toBeUndefined();
  });

  test('that is refused is tried again after a long pause only', async () => {
    const cluster = new Cluster();
    const server = cluster.world.process({ role: 'jobmanager' }, {}, 'a');
    await server.listen(() => {
      throw new MillraceError('HELLO_REFUSED', 'not you');
    });
    cluster.target = server.listener!.address;
    cluster.reconnecting.start();
    await cluster.world.until(() => cluster.log.length > 0);
    await cluster.world.pass(20_000);
    expect(cluster.attempts.length).toBe(1);
    await cluster.world.pass(11_000);
    expect(cluster.attempts.length).toBe(2);
    expect(cluster.log[0]).toContain('not you');
  });

  test('that is dropped again and again is not asked for without a pause', async () => {
    const cluster = new Cluster({ connected: (connection) => connection.close() });
    const server = await cluster.serve('a');
    cluster.target = server.listener!.address;
    cluster.reconnecting.start();
    for (let second = 0; second < 60; second++) {
      await cluster.world.pass(1000);
    }
    expect(cluster.attempts.length).toBeLessThan(20);
  });

  test('is ended by stop, in whatever state', async () => {
    for (const passMs of [0, 1, 50, 5000]) {
      const cluster = new Cluster();
      const server = await cluster.serve('a');
      cluster.target = server.listener!.address;
      cluster.reconnecting.start();
      await cluster.world.pass(passMs);
      cluster.reconnecting.stop();
      await cluster.world.pass(100_000);
      expect(cluster.attempts.length).toBe(1);
      expect(cluster.reconnecting.connection).toBeUndefined();
      expect(server.listener!.connections.size).toBe(0);
      cluster.reconnecting.targetChanged();
      expect(cluster.attempts.length).toBe(1);
    }
  });

  test('is given up after the time that the options allow', async () => {
    const errors: MillraceError[] = [];
    const gaveUp = (error: MillraceError): void => {
      errors.push(error);
    };
    const cluster = new Cluster({ giveUp: { afterMs: 300_000, key: 'taskmanager.registration.timeout', gaveUp } });
    const server = await cluster.serve('a');
    cluster.target = server.listener!.address;
    cluster.reconnecting.start();
    await cluster.world.until(() => cluster.connectedTo.length === 1);
    await cluster.world.pass(400_000);
    expect(errors).toEqual([]);
    await server.listener!.close();
    for (let second = 0; second < 301; second++) {
      await cluster.world.pass(1000);
    }
    expect(errors).toMatchObject([{ code: 'TIMEOUT' }]);
    expect(errors[0]?.message).toContain('5 min (taskmanager.registration.timeout)');
    const attempts = cluster.attempts.length;
    await cluster.world.pass(100_000);
    expect(cluster.attempts.length).toBe(attempts);
  });

  test('takes no attempt into account that was given up, however it ends', async () => {
    const attempts: PromiseWithResolvers<TestConnection>[] = [];
    const connected: TestConnection[] = [];
    const cluster = new Cluster({
      connect: () => {
        attempts.push(Promise.withResolvers());
        return attempts.at(-1)!.promise;
      },
      connected: (connection) => connected.push(connection),
    });
    const server = await cluster.serve('a');
    const connections = await Promise.all(
      [1, 2].map(() =>
        cluster.world.settled(cluster.client.transport.connect(server.listener!.address, cluster.client.service)),
      ),
    );
    cluster.reconnecting.start();
    for (const host of ['x', 'y', 'z']) {
      cluster.target = { host, port: 1 };
      cluster.reconnecting.targetChanged();
    }
    attempts[0]!.resolve(connections[0]!);
    attempts[1]!.reject(new Error('too late'));
    await cluster.world.pass(60_000);
    expect(connections[0]?.closeReason).toEqual({ kind: 'local' });
    expect(connected).toEqual([]);
    expect(attempts.length).toBe(3);
    attempts[2]!.resolve(connections[1]!);
    await cluster.world.pass(0);
    expect(connected).toEqual([connections[1]]);
  });

  test('does not let a new target pay for the failures of the old one', async () => {
    const cluster = new Cluster();
    cluster.target = { host: 'x', port: 1 };
    cluster.reconnecting.start();
    for (let second = 0; second < 60; second++) {
      await cluster.world.pass(1000);
    }
    const before = cluster.attempts.length;
    cluster.target = { host: 'y', port: 1 };
    cluster.reconnecting.targetChanged();
    for (let step = 0; step < 80; step++) {
      await cluster.world.pass(10);
    }
    expect(cluster.attempts.length).toBeGreaterThanOrEqual(before + 4);
  });
});
