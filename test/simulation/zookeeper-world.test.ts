import { expect, test } from 'vitest';
import { minimize } from './run/minimize.ts';
import { play } from './world/schedule.ts';
import { columnsOf } from './world/trace.ts';

/** As many as fit into seconds; `npm run simulate -- --store zookeeper` plays more of them. */
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

test('the same cluster with its store on ZooKeeper, under the faults of that too: what must hold does', async () => {
  const struck = new Set<string>();
  for (const seed of SEEDS) {
    const outcome = await play(seed, 'small on ZooKeeper');
    [...outcome.struck.keys()].forEach((cell) => struck.add(cell));
    if (outcome.violation !== undefined) {
      const { plan, trace, violation } = await minimize(outcome);
      throw new Error(
        [
          `seed ${seed} (npm run simulate -- --store zookeeper --seed ${seed})`,
          ...plan,
          ...columnsOf(trace, 160),
          violation?.message,
        ].join('\n'),
      );
    }
  }
  expect([...struck].some((cell) => /ZooKeeper|session|latch|followers/.test(cell))).toBe(true);
});

test('a seed gives the same schedule again', async () => {
  const [one, other] = [await play(7, 'small on ZooKeeper'), await play(7, 'small on ZooKeeper')];
  expect(one.trace).toEqual(other.trace);
  expect([one.events, one.messages]).toEqual([other.events, other.messages]);
});
