import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { until } from './clients.ts';
import { Ensemble, LONG_SESSIONS } from './ensemble.ts';
import { playScript } from './random-script.ts';

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start({ config: LONG_SESSIONS });
});
afterAll(() => ensemble?.stop());

const SEEDS = 12;
const firstSeed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

const connect = (): ZooKeeperClient =>
  connectZooKeeper({ connectString: ensemble.connectString, sessionTimeoutMs: 10_000 });

/** Another client takes the session and ends it. */
const expire = async (client: ZooKeeperClient): Promise<void> => {
  const other = connectZooKeeper({ connectString: ensemble.connectString, session: client.session! });
  await until(other, 'connected');
  await other.close();
  await until(client, 'expired');
};

test(`a real ensemble answers scripts the same way each time (MILLRACE_SEED=${firstSeed})`, async () => {
  const all: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const lines = await playScript(seed, connect, { expire });
    expect(await playScript(seed, connect, { expire })).toEqual(lines);
    all.push(...lines);
  }
  // The scripts reach what they are about.
  for (const word of [
    'NO_NODE',
    'NODE_EXISTS',
    'BAD_VERSION',
    'NOT_EMPTY',
    'NO_CHILDREN_FOR_EPHEMERALS',
    'SESSION_EXPIRED',
    'SESSION_CLOSED',
    'failed at',
    'hears created',
    'hears deleted',
    'hears changed',
    'hears children-changed',
  ]) {
    expect([word, all.some((line) => line.includes(word))]).toEqual([word, true]);
  }
});
