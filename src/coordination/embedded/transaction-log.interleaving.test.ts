import { expect, test } from 'vitest';
import { LogWorld } from './test-support/log-world.ts';

/** 30 fixed seeds, the others new with each run and named by a failure. */
const SEEDS = [
  ...Array.from({ length: 30 }, (_, seed) => seed),
  ...Array.from({ length: 30 }, () => Math.floor(Math.random() * 2 ** 31)),
];

test('three processes, paused before each call of the disk, killed and cut off from power, keep one order of writes', async () => {
  const total = {
    ...{ written: 0, lost: 0, undecided: 0, takeovers: 0, reads: 0, deaths: 0, powerLosses: 0, sleeps: 0 },
    ...{ renewed: 0, renewedInVain: 0 },
  };
  for (const seed of SEEDS) {
    const world = new LogWorld(seed);
    try {
      await world.run(3_000, seed % 3 === 0 ? 0.004 : 0);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    for (const [name, count] of Object.entries(world.counts)) {
      total[name as keyof typeof total] += count;
    }
  }
  // A run in which one of these never happened proves nothing about it.
  for (const [name, count] of Object.entries(total)) {
    expect(count, `how often: ${name}`).toBeGreaterThan(20);
  }
});
