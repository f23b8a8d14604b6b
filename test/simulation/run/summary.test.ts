import { expect, test } from 'vitest';
import type { Outcome } from '../world/outcome.ts';
import { Summary } from './summary.ts';

const outcome = (seed: number, change: Partial<Outcome> = {}): Outcome => ({
  ...{ seed, world: 'small', virtualMs: 60_000 + seed, events: 1, checkpoints: 3, faults: 2, messages: 200 },
  ...{ leaderChanges: 2, struck: new Map(), rare: new Map(), plan: ['a plan'], trace: [], violation: undefined },
  ...change,
});

test('the data of a summary are what its lines say', () => {
  const summary = new Summary();
  summary.add(outcome(1, { struck: new Map([['leader dies @ any time', 2]]), rare: new Map([['a false alarm', 1]]) }));
  summary.add(outcome(2, { faults: 5, struck: new Map([['leader dies @ any time', 1]]) }));
  summary.add(outcome(3, { faults: 1, violation: { invariant: 'I3', message: 'no file' } }));
  const data = summary.data();
  expect(data).toMatchObject({ schedules: 3, counted: 2, missed: [], thin: [] });
  expect(data.distributions.find(({ name }) => name === 'faults')).toEqual({
    ...{ name: 'faults', countsFrom: 2, min: 1, p5: 1, p50: 2, p95: 2, max: 5, bins: [1, 1, 0, 0, 1] },
  });
  for (const { bins } of data.distributions) {
    expect(bins.reduce((sum, count) => sum + count, 0)).toBe(3);
  }
  const hits = data.faults.find(({ name }) => name === 'leader dies')!.hits;
  expect(hits[data.points.indexOf('any time')]).toBe(3);
  expect(data.rareStates.find(({ name }) => name === 'a false alarm')).toEqual({ name: 'a false alarm', times: 1 });
  expect(data.violations).toEqual([{ seed: 3, invariant: 'I3', message: 'no file', plan: ['a plan'] }]);
  expect(summary.lines().join('\n')).toContain('2 of 3 schedules count');
});
