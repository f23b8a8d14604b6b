import { describe, expect, it } from 'vitest';
import type { HarnessOutput } from '../../testing/operator-harness.ts';
import type { DataStream, SingleOutputStreamOperator } from '../api/index.ts';
import { restoredRuns } from './test-support/restored-runs.ts';

interface Reading {
  readonly sensor: string;
  readonly value: number;
}

const readings: readonly Reading[] = Array.from({ length: 23 }, (_, index) => ({
  sensor: index % 3 === 0 ? 'a' : 'b',
  value: index,
}));

const results = async <Out>(
  draw: (input: DataStream<Reading>) => SingleOutputStreamOperator<Out>,
): Promise<readonly HarnessOutput<Out>[]> => {
  const { whole, restored } = await restoredRuns(
    draw,
    readings.map((reading) => (harness) => harness.process(reading, reading.value * 10)),
  );
  for (const [cut, events] of restored.entries()) {
    expect(events, `restored after ${cut} records`).toEqual(whole);
  }
  return whole;
};

const values = async <Out>(
  draw: (input: DataStream<Reading>) => SingleOutputStreamOperator<Out>,
): Promise<readonly Out[]> => (await results(draw)).flatMap((event) => (event.kind === 'record' ? [event.value] : []));

describe('count windows by key', () => {
  it('sum: the last record with the sum, at its timestamp', async () => {
    expect(await results((input) => input.keyBy('sensor').countWindow(4).sum('value'))).toEqual([
      { kind: 'record', value: { sensor: 'b', value: 1 + 2 + 4 + 5 }, timestamp: 50 },
      { kind: 'record', value: { sensor: 'a', value: 0 + 3 + 6 + 9 }, timestamp: 90 },
      { kind: 'record', value: { sensor: 'b', value: 7 + 8 + 10 + 11 }, timestamp: 110 },
      { kind: 'record', value: { sensor: 'b', value: 13 + 14 + 16 + 17 }, timestamp: 170 },
      { kind: 'record', value: { sensor: 'a', value: 12 + 15 + 18 + 21 }, timestamp: 210 },
    ]);
  });

  it('min, max, minBy, maxBy, count', async () => {
    const window = (input: DataStream<Reading>) => input.keyBy('sensor').countWindow(7);
    expect(await values((input) => window(input).min('value'))).toEqual([
      { sensor: 'b', value: 1 },
      { sensor: 'a', value: 0 },
      { sensor: 'b', value: 11 },
    ]);
    expect(await values((input) => window(input).max('value'))).toEqual([
      { sensor: 'b', value: 10 },
      { sensor: 'a', value: 18 },
      { sensor: 'b', value: 20 },
    ]);
    expect(await values((input) => window(input).minBy('value'))).toEqual([readings[1], readings[0], readings[11]]);
    expect(await values((input) => window(input).maxBy('value'))).toEqual([readings[10], readings[18], readings[20]]);
    expect((await values((input) => window(input).count()))[1]).toEqual({ key: 'a', window: { size: 7 }, count: 7 });
  });

  it('reduce and aggregate, with key and window', async () => {
    const reduced = await values((input) =>
      input
        .keyBy('sensor')
        .countWindow(8)
        .reduce(
          (a, b) => ({ ...a, value: a.value + b.value }),
          (key, { size }, { value }) => `${key} ${size} ${value}`,
        ),
    );
    expect(reduced).toEqual(['b 8 48', 'a 8 84']);
    const joined = await values((input) =>
      input
        .keyBy('sensor')
        .countWindow(8)
        .aggregate({
          createAccumulator: () => '',
          add: ({ value }, text) => `${text}.${value}`,
          getResult: (text) => text.length,
        }),
    );
    expect(joined).toEqual(['.1.2.4.5.7.8.10.11'.length, '.0.3.6.9.12.15.18.21'.length]);
  });

  it('process gets the records in order, more than one chunk of them', async () => {
    const lists = await values((input) =>
      input
        .keyBy('sensor')
        .countWindow(10)
        .process((key, window, elements) => [`${key}/${window.size}`, ...elements.map(({ value }) => value)]),
    );
    expect(lists).toEqual(['b/10', 1, 2, 4, 5, 7, 8, 10, 11, 13, 14]);
  });
});

describe('count windows of the whole stream', () => {
  it('sum of plain numbers', async () => {
    const { whole } = await restoredRuns(
      (input: DataStream<number>) => input.countWindowAll(3).sum(),
      [1, 2, 3, 4, 5, 6, 7].map((n) => (harness) => harness.process(n)),
    );
    expect(whole).toEqual([
      { kind: 'record', value: 6 },
      { kind: 'record', value: 15 },
    ]);
  });

  it('count, min, max, reduce, process', async () => {
    expect(await values((input) => input.countWindowAll(10).count())).toEqual([10, 10]);
    expect(await values((input) => input.countWindowAll(10).max('value'))).toEqual([readings[9], readings[19]]);
    expect(
      await values((input) =>
        input.countWindowAll(10).reduce(
          (a, b) => ({ ...b, value: a.value + b.value }),
          ({ size }, { value }) => value / size,
        ),
      ),
    ).toEqual([4.5, 14.5]);
    expect(await values((input) => input.countWindowAll(20).process((_window, all) => [all.length, all[7]]))).toEqual([
      20,
      readings[7],
    ]);
  });
});
