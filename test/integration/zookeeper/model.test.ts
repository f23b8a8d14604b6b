import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { Ensemble as Model } from '../../simulation/zookeeper/ensemble.ts';
import { ModelClient } from '../../simulation/zookeeper/model-client.ts';
import { until } from './clients.ts';
import { Ensemble, LONG_SESSIONS } from './ensemble.ts';
import { playScript } from './random-script.ts';

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start({ config: LONG_SESSIONS });
});
afterAll(() => ensemble?.stop());

/** As many as fit into seconds; `MILLRACE_SEEDS=200` plays more of them, from `MILLRACE_SEED` on. */
const SEEDS = Number(process.env['MILLRACE_SEEDS'] ?? 11);
const firstSeed = Number(process.env['MILLRACE_SEED'] ?? 1);
/** One-time watches of children did not hear once a recursive watch at their node had ended. */
const FOUND = [833_844_664];

const playReal = (seed: number): Promise<readonly string[]> =>
  playScript(seed, () => connectZooKeeper({ connectString: ensemble.connectString, sessionTimeoutMs: 10_000 }), {
    expire: async (client) => {
      // Another client takes the session and ends it.
      const other = connectZooKeeper({ connectString: ensemble.connectString, session: client.session! });
      await until(other, 'connected');
      await other.close();
      await until(client, 'expired');
    },
  });

const playModel = (seed: number): Promise<readonly string[]> => {
  const clock = systemClock;
  const random = seededRandom(seed);
  const model = new Model({ clock, random, delayMs: () => 0, lagMs: () => random.int(3) });
  const connect = (): ZooKeeperClient =>
    new ModelClient({ ensemble: model, clock, worldClock: clock, random, delayMs: () => 0, sessionTimeoutMs: 10_000 });
  return playScript(seed, connect, {
    expire: async (client) => {
      model.expire(client.session!.id);
      await until(client, 'expired');
    },
  });
};

test(
  `the model answers as a real ensemble does (MILLRACE_SEED=${firstSeed})`,
  { timeout: 60_000 + SEEDS * 5_000 },
  async () => {
    for (const seed of [...FOUND, ...Array.from({ length: SEEDS }, (_, index) => firstSeed + index)]) {
      expect(await playModel(seed), `seed ${seed}`).toEqual(await playReal(seed));
    }
  },
);
