import { describe, expect, test } from 'vitest';
import { codeOf } from '../../../foundation/common/errors.ts';
import type { ParallelismBounds } from '../../protocol/rescale-request.ts';
import { operatorIdOf, testGraph, vertexIdOf } from '../test-support/test-graph.ts';
import { requireRescalable, requireSlotsFor, rescaleTargets } from './rescale-targets.ts';

/** Two vertices that share slots and one that does not: 2 + 1 slots. */
const GRAPH = testGraph(
  [
    { name: 'a', parallelism: 2 },
    { name: 'b', parallelism: 2, maxParallelism: 8 },
    { name: 'c', parallelism: 1, group: 'own' },
  ],
  [['a', 'b', 'hash']],
  {},
);
const PLENTY = { own: 3, free: 100 };

const asked = (bounds: Readonly<Record<string, readonly [number, number]>>): Record<string, ParallelismBounds> =>
  Object.fromEntries(
    Object.entries(bounds).map(([name, [lowerBound, upperBound]]) => [vertexIdOf(name), { lowerBound, upperBound }]),
  );

const targets = (bounds: Readonly<Record<string, readonly [number, number]>>, slots = PLENTY): unknown => {
  const { operators } = rescaleTargets(GRAPH, { vertices: asked(bounds) }, slots);
  return Object.fromEntries(['a', 'b', 'c'].map((name) => [name, operators.get(operatorIdOf(name))]));
};

const refusal = (run: () => unknown): readonly unknown[] => {
  try {
    run();
  } catch (error) {
    return [codeOf(error), (error as Error).message];
  }
  return [];
};

describe('a vertex gets', () => {
  test('its upper bound; those that are not named keep what they have', () => {
    expect(targets({ a: [1, 4], b: [2, 8] })).toEqual({ a: 4, b: 8, c: undefined });
  });

  test('as much as there are slots for, its own counted', () => {
    expect(targets({ a: [1, 9], b: [1, 4] }, { own: 3, free: 4 })).toEqual({ a: 6, b: 4, c: undefined });
    expect(targets({ a: [1, 9], b: [1, 8] }, { own: 3, free: 2 })).toEqual({ a: 4, b: 4, c: undefined });
    expect(targets({ a: [1, 9], c: [1, 9] }, { own: 3, free: 3 })).toEqual({ a: 3, b: undefined, c: 3 });
  });

  test('its lower bound at least', () => {
    expect(targets({ a: [3, 9], c: [1, 9] }, { own: 3, free: 2 })).toEqual({ a: 3, b: undefined, c: 2 });
  });

  test('nothing where even the lower bounds need more slots: it is said how many are missing', () => {
    expect(refusal(() => targets({ a: [6, 9], c: [2, 2] }, { own: 3, free: 2 }))).toEqual([
      'NOT_ENOUGH_SLOTS',
      'job "test-job" would need 8 slots; it has 3 and 2 more are free: 3 slots missing. Ask for less, or start more ' +
        'TaskManagers (millrace cluster add, or millrace taskmanager). It stays as it is',
    ]);
  });
});

test('the parallelism of the job is exact: its slots are counted once it is drawn', () => {
  expect(rescaleTargets(GRAPH, { parallelism: 50, vertices: {} }, { own: 3, free: 0 })).toEqual({
    parallelism: 50,
    operators: new Map(),
  });
  expect(refusal(() => requireSlotsFor(GRAPH, { own: 1, free: 1 }))).toEqual([
    'NOT_ENOUGH_SLOTS',
    expect.stringContaining('1 slot missing'),
  ]);
  expect(refusal(() => requireSlotsFor(GRAPH, { own: 1, free: 2 }))).toEqual([]);
});

test.each([
  [{}, 'neither a parallelism of the job nor of one of its vertices is given'],
  [{ nix: [1, 2] }, 'has no vertex v-nix; it has v-a (a), v-b (b), v-c (c)'],
  [{ a: [0, 2] }, 'the lower bound of vertex "a" is 0; allowed: a whole number, 1 or more'],
  [{ a: [1, 1.5] }, 'the upper bound of vertex "a" is 1.5'],
  [{ a: [3, 2] }, 'the lower bound of vertex "a" is 3, above its upper bound 2'],
  [{ b: [1, 9] }, 'vertex "b" cannot have 9 subtasks: its max parallelism, the number of its key groups, is 8'],
] as const)('what makes no sense is refused: %j', (bounds, message) => {
  expect(refusal(() => targets(bounds))).toEqual(['BAD_OPTION', expect.stringContaining(message)]);
});

test('a parallelism of the job below 1 is refused, and so is a job without checkpoints, with the way out', () => {
  expect(refusal(() => rescaleTargets(GRAPH, { parallelism: 0, vertices: {} }, PLENTY))[0]).toBe('BAD_OPTION');
  const without = testGraph([{ name: 'a', parallelism: 1 }]);
  expect(refusal(() => requireRescalable(without, 'j1'))).toEqual([
    'BAD_OPTION',
    expect.stringContaining('"millrace stop j1", then "millrace run --fromSavepoint'),
  ]);
  expect(refusal(() => requireRescalable(GRAPH, 'j1'))).toEqual([]);
});
