import fc from 'fast-check';
import { expect, test } from 'vitest';
import { consumersOf, producersOf } from './channel-ranges.ts';

const parallelism = fc.integer({ min: 1, max: 40 });
const partitioning = fc.constantFrom('rescale', 'rebalance', 'hash', 'broadcast', 'global', 'custom' as const);

test('consumers are the inverse of producers, and nobody is left out', () => {
  fc.assert(
    fc.property(partitioning, parallelism, parallelism, (kind, producers, consumers) => {
      for (let producer = 0; producer < producers; producer++) {
        const to = consumersOf(kind, producer, producers, consumers);
        expect(to.first).toBeLessThanOrEqual(to.last);
        for (let consumer = 0; consumer < consumers; consumer++) {
          const from = producersOf(kind, consumer, producers, consumers);
          expect(from.first).toBeLessThanOrEqual(from.last);
          const linked = to.first <= consumer && consumer <= to.last;
          expect(from.first <= producer && producer <= from.last).toBe(linked);
        }
      }
    }),
  );
});

test.each([
  {
    producers: 4,
    consumers: 2,
    of: [
      [0, 1],
      [2, 3],
    ],
  },
  {
    producers: 2,
    consumers: 4,
    of: [
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ],
  },
  {
    producers: 5,
    consumers: 2,
    of: [
      [0, 1],
      [2, 4],
    ],
  },
  {
    producers: 2,
    consumers: 3,
    of: [
      [0, 0],
      [0, 0],
      [1, 1],
    ],
  },
])('rescale from $producers to $consumers makes contiguous groups', ({ producers, consumers, of }) => {
  const ranges = of.map((_, consumer) => producersOf('rescale', consumer, producers, consumers));
  expect(ranges.map(({ first, last }) => [first, last])).toEqual(of);
});

test('forward is one to one', () => {
  expect(producersOf('forward', 2, 3, 3)).toEqual({ first: 2, last: 2 });
  expect(consumersOf('forward', 2, 3, 3)).toEqual({ first: 2, last: 2 });
});
