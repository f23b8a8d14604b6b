import { expect, test } from 'vitest';
import { play } from './world/schedule.ts';

/** 15 and 23: a TaskManager took entries of the older copy for those that followed what it had read. */
const SEEDS = [1, 2, 3, 4, 5, 6, 15, 23];

test('an older copy of the HA store is put back under running tasks: no task starts again, and the output is exact (R12)', async () => {
  let wentBack = 0;
  for (const seed of SEEDS) {
    const { struck, violation } = await play(seed, 'older store');
    expect(violation, `npm run simulate -- --world older-store --seed ${seed}`).toBeUndefined();
    wentBack += [...struck.keys()].some((cell) => cell.startsWith('the HA store goes back')) ? 1 : 0;
  }
  expect(wentBack).toBeGreaterThan(SEEDS.length / 2);
});
