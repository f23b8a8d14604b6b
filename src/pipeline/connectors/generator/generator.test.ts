import { describe, expect, it } from 'vitest';
import { SourceHarness } from '../source-harness.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { elements, generate, sequence } from './index.ts';

const readAll = async <T>(source: Parameters<typeof driverOf<T>>[0], parallelism = 1): Promise<readonly T[]> =>
  (await driverOf(source, parallelism).run()).values;

const driverOf = <T>(source: ConstructorParameters<typeof SourceHarness<T>>[0], parallelism = 1): SourceHarness<T> =>
  new SourceHarness<T>(source, { parallelism });

describe('sequence', () => {
  it('counts from 0, or from and to, both included', async () => {
    expect(await readAll(sequence({ to: 3 }))).toEqual([0, 1, 2, 3]);
    expect(await readAll(sequence({ from: -2, to: 2 }))).toEqual([-2, -1, 0, 1, 2]);
    expect(await readAll(sequence({ from: 5, to: 4 }))).toEqual([]);
  });

  it('is bounded only with an end, and in order unless split', () => {
    expect(sequence().plan.bounded).toBe(false);
    expect(sequence({ to: 1 }).plan.bounded).toBe(true);
    expect(sequence()).toMatchObject({ parallelism: 1, maxParallelism: 1 });
    expect(sequence({ splits: 4 })).toMatchObject({ parallelism: 4, maxParallelism: 4 });
  });

  it.each([1, 2, 3, 5])('has each number once in 5 splits on %i readers', async (parallelism) => {
    const values = await readAll(sequence({ from: 3, to: 100, splits: 5 }), parallelism);
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 98 }, (_, i) => i + 3));
  });

  it('goes on after the last emitted number', async () => {
    for (const splits of [1, 3]) {
      const source = sequence({ to: 50, splits });
      const first = driverOf(source);
      await first.run(() => first.emitted.length >= 20, 3);
      const second = new SourceHarness(source, { restored: first.snapshot(), parallelism: splits });
      await second.run();
      expect([...first.values, ...second.values].toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 51 }, (_, i) => i),
      );
    }
  });

  it('emits at its pace, exactly over time', () => {
    const clock = new ManualClock();
    const reading = new SourceHarness(sequence({ every: '100ms' }), { clock });
    expect(reading.read(0, 100)).toEqual({ waitMs: 100 });
    expect(reading.values).toEqual([0]);
    clock.advanceBy(99);
    expect(reading.read(0, 100)).toEqual({ waitMs: 1 });
    for (let i = 0; i < 1000; i++) {
      clock.advanceBy(37);
      reading.read(0, 100);
    }
    expect(reading.values).toHaveLength(1 + Math.floor((99 + 37_000) / 100));
  });

  it('makes up for at most one second after a pause', () => {
    const clock = new ManualClock();
    const reading = new SourceHarness(sequence({ rate: 50 }), { clock });
    reading.read(0, 1000);
    clock.advanceBy(500);
    reading.read(0, 1000);
    expect(reading.values).toHaveLength(1 + 25);
    clock.advanceBy(60_000);
    reading.read(0, 1000);
    expect(reading.values).toHaveLength(1 + 25 + 50);
    clock.advanceBy(1000);
    reading.read(0, 1000);
    expect(reading.values).toHaveLength(1 + 25 + 50 + 50);
  });

  it('shares the pace between splits, which take turns', () => {
    const clock = new ManualClock();
    const reading = new SourceHarness(sequence({ rate: 10, splits: 2 }), { clock, parallelism: 2 });
    for (let ms = 0; ms < 1000; ms += 50) {
      reading.read(0, 100);
      reading.read(1, 100);
      clock.advanceBy(50);
    }
    expect(reading.values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('refuses options that make no sense', () => {
    expect(() => sequence({ from: 0.5 })).toThrow('sequence: "from" is 0.5');
    expect(() => sequence({ splits: 0 })).toThrow('sequence: "splits" is 0');
    expect(() => sequence({ every: '1s', rate: 1 })).toThrow('give "every" or "rate", not both');
    expect(() => sequence({ rate: -1 })).toThrow('"rate" is -1');
    expect(() => sequence({ every: 'soon' as '1s' })).toThrow('sequence: "every" is "soon"');
  });
});

describe('generate', () => {
  const source = (splits: number) =>
    generate({
      seed: 42,
      count: 60,
      splits,
      create: (index, random) => ({ index, x: random.next(), n: random.int(1000), h: random.hex(12) }),
    });

  it('makes the same record for an index, in any split and after a restore', async () => {
    const expected = await readAll(source(1));
    expect(expected.map(({ index }) => index)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    const split = await readAll(source(4), 2);
    expect(split.toSorted((a, b) => a.index - b.index)).toEqual(expected);
    const first = driverOf(source(1));
    await first.run(() => first.emitted.length >= 31, 1);
    const second = await new SourceHarness(source(1), { restored: first.snapshot() }).run();
    expect([...first.values, ...second.values]).toEqual(expected);
  });

  it('makes other records for other seeds and indexes, evenly', async () => {
    const values = await readAll(generate({ seed: 1, count: 20_000, create: (_, random) => random.int(10) }));
    const counts = Array.from({ length: 10 }, (_, n) => values.filter((value) => value === n).length);
    for (const count of counts) {
      expect(Math.abs(count - 2000)).toBeLessThan(250);
    }
    const other = await readAll(generate({ seed: 2, count: 20_000, create: (_, random) => random.int(10) }));
    expect(values.filter((value, i) => value === other[i]).length).toBeLessThan(2250);
  });
});

describe('elements', () => {
  it('emits what it was given', async () => {
    expect(await readAll(elements(['a', 'b', 'c']))).toEqual(['a', 'b', 'c']);
    expect(await readAll(elements([]))).toEqual([]);
    expect((await readAll(elements(['a', 'b', 'c'], { splits: 2 }), 2)).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('keeps its items out of the plan', () => {
    expect(elements([{ secret: () => 1 }]).plan.config).toEqual({
      splits: [{ id: 'elements-0', next: 0, step: 1 }],
      assignment: 'by-index',
    });
  });
});
