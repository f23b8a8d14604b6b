import { expect, test } from 'vitest';
import { openStoreRoot } from '../../../src/coordination/zookeeper/store-root.ts';
import { storePathsOf } from '../../../src/coordination/zookeeper/store-paths.ts';
import { ModelWorld } from './model-world.ts';

test('what speaks against a new store does not count where another process has just made it, whatever server one is connected to', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const world = new ModelWorld(seed, { lagMs: (random) => random.next() * 200 });
    const { random } = world;
    const common = { paths: storePathsOf('/millrace/test'), random, storage: '/shared' };
    let made: string | undefined;
    const beforeCreation = async (): Promise<void> => {
      made = await openStoreRoot({ ...common, client: world.client(), beforeCreation: async () => undefined });
      throw new Error('there are files of a cluster already');
    };
    const found = await world.settled(openStoreRoot({ ...common, client: world.client(), beforeCreation }));
    expect([seed, found]).toEqual([seed, made]);
  }
});
