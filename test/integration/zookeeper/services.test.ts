import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { highAvailabilityContract, type HaCluster } from '../../../src/coordination/high-availability-contract.ts';
import { JOB, join, lead, rejected } from '../../../src/coordination/test-support/ha-cluster.ts';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import type { Session, ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperServices } from '../../../src/coordination/zookeeper/zookeeper-services.ts';
import type { HighAvailabilityServices } from '../../../src/coordination/high-availability-services.ts';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import { silentLogger } from '../../../src/foundation/common/logger.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { systemRandom } from '../../../src/foundation/common/system-random.ts';
import { Clients, until } from './clients.ts';
import { Ensemble } from './ensemble.ts';
import { eventually } from './eventually.ts';

let ensemble: Ensemble;
let opened: ZooKeeperServices[] = [];
const sessions = new WeakMap<HighAvailabilityServices, () => Session | undefined>();
let count = 0;

beforeAll(async () => {
  ensemble = await Ensemble.start();
});

afterEach(async () => {
  await Promise.all(opened.map((services) => services.close()));
  opened = [];
});

afterAll(() => ensemble.stop());

const cluster = (sessionTimeoutMs = 4_000): HaCluster => {
  const root = `/millrace/services-${++count}`;
  return {
    readsMayLag: true,
    open: async () => {
      let client: ZooKeeperClient | undefined;
      const services = await ZooKeeperServices.open({
        connect: () => {
          client = connectZooKeeper({ connectString: ensemble.connectString, sessionTimeoutMs });
          return client;
        },
        root,
        storage: '/shared',
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        beforeCreation: async () => undefined,
      });
      opened.push(services);
      sessions.set(services, () => client?.session);
      return services;
    },
  };
};

describe('the contract, on a real ensemble', () => {
  for (const { name, run } of highAvailabilityContract) {
    test(name, () => run(cluster()));
  }
});

describe('certainty', () => {
  test('is renewed by writes that change nothing', async () => {
    const own = cluster(2_000);
    const { candidacy, contender, leadership } = await lead(own, 'one');
    const standby = await join(own, 'two');
    await new Promise((resolve) => {
      setTimeout(resolve, 6_000);
    });
    expect(candidacy.isCertain).toBe(true);
    expect(contender.events.map(({ kind }) => kind)).toEqual(['granted']);
    expect(standby.contender.events).toEqual([]);
    expect(candidacy.leadership).toEqual(leadership);
  });

  test('is proven by a multi of checks alone, and not by a sync: a server without a majority answers that', async () => {
    const leader = await ensemble.leader();
    const others = [0, 1, 2].filter((server) => server !== leader);
    await using clients = new Clients(`127.0.0.1:${ensemble.portOf(leader)}`);
    const client = await clients.connected({ sessionTimeoutMs: 10_000 });
    const check = [{ kind: 'check', path: '/', version: -1 }] as const;
    expect(await client.multi(check)).toMatchObject({ ok: true });
    const answered: string[] = [];
    const note = (what: string) => (): void => void answered.push(what);
    const ended: Promise<void>[] = [];
    try {
      others.forEach((server) => ensemble.pause(server));
      // It takes the leader `syncLimit * tickTime` to notice: one second here.
      ended.push(client.sync('/').then(note('sync'), () => undefined));
      ended.push(client.get('/').then(note('get'), () => undefined));
      ended.push(client.multi(check).then(note('multi'), () => undefined));
      await eventually('a read is answered', () => answered.includes('get'));
      // Until it steps down, and closes its connections.
      await eventually('the server has given up', () => client.state !== 'connected');
      expect(answered).toEqual(['sync', 'get']);
    } finally {
      others.forEach((server) => ensemble.resume(server));
    }
    await Promise.all(ended);
    await ensemble.serving();
  });
});

describe('leadership', () => {
  test('outlives the servers that it is kept on, one after the other', async () => {
    const own = cluster(10_000);
    const one = await lead(own, 'one');
    const two = await join(own, 'two');
    for (const server of [0, 1, 2]) {
      await ensemble.kill(server);
      await patiently(() => one.stores.checkpointIds(JOB).next());
      ensemble.restart(server);
      await ensemble.serving();
    }
    expect(one.candidacy.leadership).toEqual(one.leadership);
    expect(one.contender.events.filter(({ kind }) => kind === 'revoked')).toEqual([]);
    expect(two.contender.events).toEqual([]);
  });

  test('of a session that is ended goes to the next, and the former leader queues again by itself', async () => {
    const own = cluster(10_000);
    const one = await lead(own, 'one');
    const two = await join(own, 'two');
    await endSession(one.services);
    const leadership = await two.contender.grant();
    expect(leadership.epoch).toBe(one.leadership.epoch + 1);
    await one.contender.until(() => one.candidacy.queuePosition === 0);
    expect(one.contender.events).toMatchObject([{ kind: 'granted' }, { kind: 'revoked', reason: 'expired' }]);
    await rejected(one.stores.checkpointIds(JOB).next(), 'LEADERSHIP_LOST');
  });
});

/** Another client takes the session of these services and ends it. */
const endSession = async (services: HighAvailabilityServices): Promise<void> => {
  const session = sessions.get(services)?.();
  const other = connectZooKeeper({ connectString: ensemble.connectString, session: session! });
  await until(other, 'connected');
  await other.close();
};

/** As callers do: what the store cannot say now is asked again. */
const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      expect(codeOf(error)).toBe('STORE_AWAY');
    }
  }
};
