import { describe, expect, test } from 'vitest';
import { SourceHarness } from '../source-harness.ts';
import { source, type CustomSourceOptions, type SplitContext } from './index.ts';

const shelves = (options: Partial<CustomSourceOptions<string>>, last = 3) =>
  source({
    name: 'shelves',
    ...options,
    read: async function* (position: number = 0, { split }: SplitContext) {
      for (let n = position; n <= last; n++) {
        yield [`${split}${n}`, n + 1] as const;
      }
    },
  });

const all = (splits: string): string[] =>
  splits
    .split('')
    .flatMap((split) => [0, 1, 2, 3].map((n) => `${split}${n}`))
    .sort();

const sorted = (values: readonly string[]): string[] => [...values].sort();

describe('splits that a function finds', () => {
  test.each([true, false])('are read by all readers, each once (bounded: %s)', async (bounded) => {
    const found = shelves({ splits: () => ['a', 'b', 'c', 'b'], bounded });
    const reading = new SourceHarness(found, { parallelism: 2 });
    await reading.discover();
    await reading.run();
    expect(sorted(reading.values)).toEqual(all('abc'));
  });

  test('none: the source ends', async () => {
    const reading = new SourceHarness(shelves({ splits: () => Promise.resolve([]) }), { parallelism: 2 });
    await reading.discover();
    expect((await reading.run()).values).toEqual([]);
  });

  test('are looked for again, and what is new is read too', async () => {
    const there = ['a'];
    const growing = shelves({ splits: () => there, discoverEvery: '1 s' });
    const reading = new SourceHarness(growing, { parallelism: 2 });
    await reading.discover();
    await reading.run(() => reading.values.length === 4);
    there.push('b');
    await reading.discover();
    await reading.run(() => reading.values.length === 8);
    expect(reading.isEnded).toBe(false);

    there.push('c');
    const resumed = new SourceHarness(growing, { parallelism: 3, restored: reading.snapshot() });
    await resumed.discover();
    await resumed.run(() => resumed.values.length === 4);
    expect(resumed.values).toEqual(['c0', 'c1', 'c2', 'c3']);
  });

  test.each([true, false])('go on where they were after a restore (bounded: %s)', async (bounded) => {
    const found = shelves({ splits: () => ['a', 'b', 'c', 'd', 'e'], bounded });
    const first = new SourceHarness(found, { parallelism: 2 });
    await first.discover();
    await first.run(() => first.values.length >= 6, 1);
    const second = new SourceHarness(found, { parallelism: 3, restored: first.snapshot() });
    await second.run();
    expect(sorted([...first.values, ...second.values])).toEqual(all('abcde'));
  });

  test('what is no list of texts is an error', async () => {
    const wrong = shelves({ splits: (() => [1, 2]) as unknown as () => string[] });
    await expect(new SourceHarness(wrong).discover()).rejects.toThrow(/did not return an array of texts/);
  });
});

test('discoverEvery goes with a function and an unbounded source', () => {
  const says = /"discoverEvery" goes with a function as "splits" and an unbounded source/;
  expect(() => shelves({ discoverEvery: '1 s' })).toThrow(says);
  expect(() => shelves({ discoverEvery: '1 s', bounded: true, splits: () => ['a'] })).toThrow(says);
});
