import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { describeOperation, History, type Answer, type Operation } from '../../history/history.ts';
import { checkLinearizability } from '../../history/linearizability.ts';
import { checkSessions } from '../../history/session-order.ts';
import { Clients } from './clients.ts';
import { Ensemble } from './ensemble.ts';
import { LASTING, PASSING, RegisterClient } from './register-client.ts';
import { ServerFaults } from './server-faults.ts';

/*
 * Three clients set, compare, create, delete and read registers while servers are killed, frozen and restarted. What they were told is
 * recorded, and has to be what registers could have said that do one thing at a time.
 */

const CLIENTS = 3;
/** Operations of one client at a time. */
const AT_ONCE = 4;
const SESSION_MS = 4_000;
const seconds = Number(process.env['MILLRACE_CHAOS_SECONDS'] ?? 15);
const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

const history = new History();
let ensemble: Ensemble;
let faults: ServerFaults;
let longestMs = 0;
let grantedMs = 0;
let sessions = 0;

const actorOf = (client: ZooKeeperClient, name: string, random: Random): RegisterClient =>
  new RegisterClient({ name, client, history, random });

/** Acts until it is over, in one session after the other. */
const keepActing = async (clients: Clients, number: number, isOver: () => boolean): Promise<void> => {
  for (let session = 0; !isOver(); session++) {
    const client = await clients.connected({ sessionTimeoutMs: SESSION_MS });
    grantedMs = client.session!.timeoutMs;
    sessions++;
    const acting = Array.from({ length: AT_ONCE }, async (_, at) => {
      const random = seededRandom(seed + 1 + number * AT_ONCE + at);
      const actor = actorOf(client, `c${number}.${session}.${at}`, random);
      while (!isOver() && client.state !== 'expired') {
        await actor.act();
        longestMs = Math.max(longestMs, actor.longestMs);
        await sleep(random.int(20));
      }
    });
    await Promise.all(acting);
  }
};

beforeAll(
  async () => {
    ensemble = await Ensemble.start();
    faults = new ServerFaults(ensemble, seededRandom(seed));
    await using clients = new Clients(ensemble.connectString);
    const client = await clients.connected({ sessionTimeoutMs: SESSION_MS });
    await client.create('/chaos', new Uint8Array(0));
    const reader = actorOf(client, 'reader', seededRandom(seed));
    for (const register of LASTING) {
      await reader.create(register);
    }
    let isOver = false;
    const acting = Promise.all(Array.from({ length: CLIENTS }, (_, at) => keepActing(clients, at, () => isOver)));
    const endsAtMs = performance.now() + seconds * 1_000;
    while (performance.now() < endsAtMs) {
      await faults.inflict();
    }
    isOver = true;
    await acting;
    for (const register of [...LASTING, ...PASSING]) {
      await reader.read(register, 'proven');
    }
    const { operations } = history;
    const ends = Map.groupBy(operations, ({ call, outcome }) => `${call.kind} ${outcome.kind}`);
    const counts = Object.fromEntries([...ends].map(([end, { length }]) => [end, length]));
    console.log(
      JSON.stringify({
        seed,
        seconds,
        operations: operations.length,
        freshReads: operations.filter(isFreshRead).length,
        counts,
        faults: faults.counts,
        sessions,
        longestMs: Math.round(longestMs),
        grantedMs,
      }),
    );
  },
  seconds * 1_000 + 150_000,
);
afterAll(() => ensemble?.stop());

type Read = Operation & { readonly outcome: Answer & { readonly kind: 'value' } };

const isRead = (operation: Operation): operation is Read => operation.outcome.kind === 'value';
const isFreshRead = (operation: Operation): operation is Read =>
  isRead(operation) && operation.call.kind === 'get' && operation.call.isFresh;

/** The same with another answer to one operation. */
const corrupted = (operation: Operation, outcome: Operation['outcome']): readonly Operation[] =>
  history.operations.map((each) => (each === operation ? { ...each, outcome } : each));

describe(`servers are killed, frozen and restarted (MILLRACE_SEED=${seed})`, () => {
  test('what clients were told is linearizable, and each session saw it in order', () => {
    expect(history.open).toBe(0);
    expect(checkLinearizability(history.operations)).toEqual({ kind: 'linearizable' });
    expect(checkSessions(history.operations)).toEqual([]);
  });

  test('no operation stayed unsettled for longer than twice the session timeout', () => {
    expect(grantedMs).toBe(SESSION_MS);
    expect(longestMs).toBeLessThan(2 * grantedMs);
  });

  test('there was something to find: faults, doubts, and each kind of end', () => {
    const ends = new Set(history.operations.map(({ call, outcome }) => `${call.kind} ${outcome.kind}`));
    for (const end of ['set written', 'set other-version', 'get value', 'create exists', 'delete deleted']) {
      expect([end, ends.has(end)]).toEqual([end, true]);
    }
    expect(history.operations.filter(({ outcome }) => outcome.kind === 'unknown').length).toBeGreaterThan(0);
    expect(history.operations.length).toBeGreaterThan(seconds * 100);
    expect(Object.values(faults.counts).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(seconds / 8);
  });

  test('one other answer would have been refused', () => {
    const random = seededRandom(seed);
    // So far apart that no write that was under way with both is between them.
    const apart = 4 * CLIENTS * AT_ONCE;
    const lasting = history.operations.filter(isFreshRead).filter(({ register }) => LASTING.includes(register));
    const reads = lasting.filter(({ outcome }) => outcome.version > 2 * apart);
    for (let round = 0; round < 10; round++) {
      const read = reads[random.int(reads.length)]!;
      const stale = lasting.findLast(
        ({ register, outcome }) => register === read.register && outcome.version < read.outcome.version - apart,
      );
      const earlier = stale!.outcome;
      const verdict = checkLinearizability(
        corrupted(read, earlier).filter(({ register }) => register === read.register),
      );
      expect([describeOperation(read), earlier, verdict.kind]).toEqual([describeOperation(read), earlier, 'refused']);
      const problems = checkSessions(corrupted(read, { ...read.outcome, version: read.outcome.version + 1 }));
      expect([describeOperation(read), problems.length > 0]).toEqual([describeOperation(read), true]);
    }
  });
});
