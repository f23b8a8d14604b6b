import { expect, test } from 'vitest';
import { play } from './world/schedule.ts';

/** As many as fit into seconds; each is a minute of the small world's time. */
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

test('three JobManagers and two TaskManagers, as they are shipped, under faults that a seed draws: what must hold does', async () => {
  const outcomes = [];
  for (const seed of SEEDS) {
    const outcome = await play(seed);
    if (outcome.violation !== undefined) {
      throw new Error(`seed ${seed}\n${outcome.trace.slice(-40).join('\n')}`, { cause: outcome.violation });
    }
    outcomes.push(outcome);
  }
  expect(outcomes.filter(({ leaderChanges }) => leaderChanges > 1).length).toBeGreaterThan(0);
  expect(Math.min(...outcomes.map(({ checkpoints }) => checkpoints))).toBeGreaterThan(2);
  expect(Math.min(...outcomes.map(({ messages }) => messages))).toBeGreaterThan(100);
});

test('a seed gives the same schedule again', async () => {
  const [one, other] = [await play(7), await play(7)];
  expect(one.trace).toEqual(other.trace);
  expect([one.events, one.messages]).toEqual([other.events, other.messages]);
});
