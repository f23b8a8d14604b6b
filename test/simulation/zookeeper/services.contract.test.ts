import { afterEach, describe, test } from 'vitest';
import { highAvailabilityContract, type HaCluster } from '../../../src/coordination/high-availability-contract.ts';
import { ZooKeeperServices } from '../../../src/coordination/zookeeper/zookeeper-services.ts';
import { silentLogger } from '../../../src/foundation/common/logger.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { Ensemble } from './ensemble.ts';
import { ModelClient } from './model-client.ts';

const opened: ZooKeeperServices[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((services) => services.close()));
});

const clusterOn = (seed: number, lagMs: (random: Random) => number, executionPlans?: string): HaCluster => {
  const random = seededRandom(seed);
  const delayMs = (): number => random.next() / 2;
  const clock = systemClock;
  const ensemble = new Ensemble({ clock, random, delayMs, lagMs });
  return {
    readsMayLag: true,
    open: async () => {
      const services = await ZooKeeperServices.open({
        connect: () =>
          new ModelClient({ ensemble, clock, worldClock: clock, random, delayMs, sessionTimeoutMs: 600_000 }),
        root: '/millrace/test',
        ...(executionPlans === undefined ? {} : { executionPlans }),
        storage: '/shared',
        clock,
        random,
        logger: silentLogger,
        beforeCreation: async () => undefined,
      });
      opened.push(services);
      return services;
    },
  };
};

describe('the contract, over the model of an ensemble', () => {
  for (const [index, { name, run }] of highAvailabilityContract.entries()) {
    test(name, () => run(clusterOn(index, () => 0)));
  }
});

describe('the contract, over followers that lag, with submitted jobs at another node', () => {
  for (const [index, { name, run }] of highAvailabilityContract.entries()) {
    test(name, () => run(clusterOn(1_000 + index, (random) => random.next() * 10, '/of/users/jobgraphs')));
  }
});
