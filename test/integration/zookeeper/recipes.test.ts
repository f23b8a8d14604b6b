import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { Counter } from '../../../src/coordination/zookeeper/recipes/counter.ts';
import { LeaderLatch, type LatchEvent } from '../../../src/coordination/zookeeper/recipes/leader-latch.ts';
import { LeaderRetrieval } from '../../../src/coordination/zookeeper/recipes/leader-retrieval.ts';
import { Lock } from '../../../src/coordination/zookeeper/recipes/lock.ts';
import { examplesIn } from '../../types/doc-examples.ts';
import { bytes, caughtUp, Clients, endOf, textOf } from './clients.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { Ensemble } from './ensemble.ts';
import { eventually } from './eventually.ts';

const SESSION_MS = 4_000;

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start();
});
afterAll(() => ensemble?.stop());
beforeEach(() => ensemble.mend());

const clients = (): Clients => new Clients(ensemble.connectString);
const open = (opened: Clients, count: number): Promise<ZooKeeperClient[]> =>
  Promise.all(Array.from({ length: count }, () => opened.connected({ sessionTimeoutMs: SESSION_MS })));

/** What strikes while clients contend: the server of the first is frozen, and the leader killed. */
const strike = async (client: ZooKeeperClient): Promise<void> => {
  const frozen = await ensemble.connectedTo(client.session!.id);
  ensemble.pause(frozen);
  await eventually('it has moved on', async () => client.state === 'connected' && (await isElsewhere(client, frozen)), {
    timeoutMs: 30_000,
  });
  ensemble.resume(frozen);
  await showsAll(client, frozen);
  const leader = await ensemble.leader();
  await ensemble.kill(leader);
  ensemble.restart(leader);
  await showsAll(client, leader);
};

/** That server shows what is written now: one that was frozen says that it serves before it knows that it fell behind. */
const showsAll = async (client: ZooKeeperClient, server: number): Promise<void> => {
  await using opened = new Clients(`127.0.0.1:${ensemble.portOf(server)}`);
  const there = opened.open({ sessionTimeoutMs: SESSION_MS });
  await eventually(
    'the server has caught up',
    async () => {
      const made = await client.create('/mark-', bytes(''), { mode: 'persistent-sequential' }).catch(() => undefined);
      const seen = await there.exists(made?.path ?? '/none').catch(() => undefined);
      return seen !== undefined;
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
};

const isElsewhere = async (client: ZooKeeperClient, server: number): Promise<boolean> =>
  (await endOf(client.sync('/'))) === 'ok' && (await ensemble.connectedTo(client.session!.id)) !== server;

describe('a lock', () => {
  test('of three clients, over a frozen and a killed server: no write is lost, tokens grow, nothing is left', async () => {
    await using opened = clients();
    const all = await open(opened, 3);
    await all[0]!.create('/balance', bytes('0'));
    const end = { isNear: false };
    let [done, unclear, holders] = [0, 0, 0];
    const tokens: bigint[] = [];
    const contend = async (client: ZooKeeperClient): Promise<void> => {
      const lock = new Lock(client, '/locks/balance');
      while (!end.isNear) {
        await using held = await lock.acquire();
        holders++;
        expect(holders).toBe(1);
        tokens.push(held.token);
        try {
          await client.sync('/balance');
          const before = Number(textOf((await client.get('/balance')).data));
          const data = bytes(String(before + 1));
          const { ok } = await client.multi([held.check, { kind: 'set', path: '/balance', data }]);
          done += ok ? 1 : 0;
        } catch (error) {
          unclear += error instanceof ZooKeeperError && error.mayHaveHappened ? 1 : 0;
        }
        holders--;
      }
    };
    const contending = all.map(contend);
    await eventually('they take turns', () => done > 20);
    await strike(all[0]!);
    const reached = done;
    await eventually('they take turns again', () => done > reached + 20);
    end.isNear = true;
    await Promise.all(contending);
    await caughtUp(all[1]!);
    const sum = Number(textOf((await all[1]!.get('/balance')).data));
    expect(sum).toBeGreaterThanOrEqual(done);
    expect(sum).toBeLessThanOrEqual(done + unclear);
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
    expect((await all[2]!.children('/locks/balance')).names).toEqual([]);
    expect(all.map(({ state }) => state)).toEqual(['connected', 'connected', 'connected']);
  }, 120_000);

  test('whose holder is cut off goes to the next with the end of the session; the old one hears when it is back', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(0));
    const cut = await opened.connected({ connectString: proxy.connectString, sessionTimeoutMs: 1_000 });
    const [next] = (await open(opened, 1)) as [ZooKeeperClient];
    const held = await new Lock(cut, '/locks/cut').acquire();
    expect(await endOf(new Lock(next, '/locks/cut').acquire({ timeoutMs: 0 }))).toBe('NOT_ACQUIRED');
    expect(await endOf(new Lock(next, '/locks/cut').acquire({ timeoutMs: 50 }))).toBe('NOT_ACQUIRED');
    const waiting = new Lock(next, '/locks/cut').acquire();
    proxy.cut();
    const successor = await waiting;
    expect([held.isHeld, held.isSuspended, successor.token > held.token]).toEqual([true, true, true]);
    expect(await next.multi([held.check])).toMatchObject({ ok: false, error: { code: 'NO_NODE' } });
    proxy.mend();
    expect((await held.lost).code).toBe('SESSION_EXPIRED');
    expect(held.isHeld).toBe(false);
    await held.release();
    await successor.release();
    await caughtUp(next);
    expect((await next.children('/locks/cut')).names).toEqual([]);
  });

  test('finds its place when the answer to its creation is lost', async () => {
    await using opened = clients();
    await using proxy = await CuttableProxy.start(() => ensemble.portOf(1));
    const client = await opened.connected({ connectString: proxy.connectString, sessionTimeoutMs: SESSION_MS });
    const [other] = (await open(opened, 1)) as [ZooKeeperClient];
    const lock = new Lock(client, '/locks/unclear');
    await (await lock.acquire()).release();
    const names = async (): Promise<readonly string[]> => {
      await caughtUp(other);
      return (await other.children('/locks/unclear')).names;
    };
    const ends: string[] = [];
    const create = client.create.bind(client);
    let delayMs = 0;
    client.create = (...args) => {
      const answer = create(...args);
      // At some point of its way: before it was sent, before it was answered, or later.
      setTimeout(() => {
        proxy.cut();
        proxy.mend();
      }, delayMs);
      void endOf(answer).then((end) => ends.push(end));
      return answer;
    };
    for (let round = 0; round < 12; round++) {
      delayMs = round % 4;
      const held = await lock.acquire();
      expect(await names()).toHaveLength(1);
      await held.release();
    }
    expect(await names()).toEqual([]);
    expect(ends.filter((end) => end === 'CONNECTION_LOSS').length).toBeGreaterThan(0);
  });
});

test('leadership goes on over a frozen and a killed server, and to the next when it is closed', async () => {
  await using opened = clients();
  const all = await open(opened, 3);
  const events: LatchEvent['kind'][] = [];
  const latches: LeaderLatch[] = [];
  for (const [at, client] of all.entries()) {
    const latch = new LeaderLatch(client, '/services/leader', { data: bytes(`service-${at}`) });
    latches.push(latch);
    await eventually('it queues', async () => (await latch.participants()).length === at + 1);
  }
  latches[0]!.onEvent(({ kind }) => events.push(kind));
  const { token } = await latches[0]!.leadership();
  const retrieval = new LeaderRetrieval(all[2]!, '/services/leader');
  await eventually('it is known', () => retrieval.current?.token === token);
  await strike(all[0]!);
  await eventually('it leads on', () => latches[0]!.isLeader);
  expect(events.filter((kind) => kind !== 'suspended' && kind !== 'resumed' && kind !== 'gained')).toEqual([]);
  expect(events).toContain('suspended');
  expect(latches.map(({ state }) => state)).toEqual(['leading', 'queued', 'queued']);
  expect((await latches[2]!.participants()).map(({ data }) => textOf(data))).toEqual(
    [0, 1, 2].map((at) => `service-${at}`),
  );
  await latches[0]!.close();
  expect((await latches[1]!.leadership()).token > token).toBe(true);
  await eventually('it is known', () => textOf(retrieval.current?.data ?? bytes('')) === 'service-1');
  await latches[2]!.close();
  await latches[1]!.close();
  await eventually('nobody leads', () => retrieval.current === undefined);
  retrieval.end();
}, 120_000);

test('a counter of three clients, over a frozen and a killed server, counts each increment once', async () => {
  await using opened = clients();
  const all = await open(opened, 3);
  const end = { isNear: false };
  const sums: bigint[] = [];
  let unclear = 0n;
  const refused: string[] = [];
  const add = async (client: ZooKeeperClient): Promise<void> => {
    // One whose server lags behind the others' meets them with each try, for as long as these count on.
    await using counter = new Counter(client, '/numbers/orders', { attemptsMax: 10_000 });
    while (!end.isNear && client.state !== 'closed') {
      try {
        sums.push(await counter.increment());
      } catch (error) {
        if (error instanceof ZooKeeperError && error.mayHaveHappened) {
          unclear++;
        } else {
          refused.push(String(error));
        }
      }
    }
  };
  const adding = all.map(add);
  await eventually('they count', () => sums.length > 50);
  await strike(all[0]!);
  const reached = sums.length;
  await eventually('they count again', () => sums.length > reached + 50);
  end.isNear = true;
  await Promise.all(adding);
  const value = await new Counter(all[1]!, '/numbers/orders').get();
  expect(value).toBeGreaterThanOrEqual(BigInt(sums.length));
  expect(value).toBeLessThanOrEqual(BigInt(sums.length) + unclear);
  expect(new Set(sums).size).toBe(sums.length);
  // Each outcome was found out: nobody was away for longer than three tries.
  expect([unclear, refused]).toEqual([0n, []]);
  await caughtUp(all[1]!);
  expect((await all[1]!.children('/numbers/orders')).names).toEqual([]);
}, 120_000);

test('the example of the documentation runs', async () => {
  await using opened = clients();
  const [client] = (await open(opened, 1)) as [ZooKeeperClient];
  await client.create('/app', bytes(''));
  const root = resolve(import.meta.dirname, '../../..');
  const example = (await examplesIn(root, 'docs/zookeeper-client.md')).find(({ code }) => code.includes('new Lock('))!;
  const code = example.code
    .replace("'millrace/zookeeper'", `'${join(root, 'src/coordination/zookeeper/client/index.ts')}'`)
    .replace('zk1:2181,zk2:2181,zk3:2181', ensemble.connectString);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-recipes-'));
  try {
    const file = join(folder, 'example.mts');
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual([
      expect.stringMatching(/^token \d+: written$/),
      'gained',
      'leads',
      'worker-1',
      expect.stringMatching(/^\d+n$/),
      '1n 1n',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
