import { describe, expect, it } from 'vitest';
import { OperatorHarness } from '../../testing/operator-harness.ts';
import type { AggregateFunction, DataStream, SingleOutputStreamOperator } from '../api/index.ts';
import { restoredRuns } from './test-support/restored-runs.ts';

interface Sale {
  readonly shop: string;
  readonly amount: number;
  readonly note?: string;
}

const sale = (shop: string, amount: number, note?: string): Sale =>
  note === undefined ? { shop, amount } : { shop, amount, note };

describe('stateless operators', () => {
  it('map, filter and flatMap keep the timestamp', async () => {
    const map = await OperatorHarness.open((input: DataStream<number>) => input.map((n) => n * 2));
    map.process(21, 5);
    map.watermark(6);
    expect(map.events).toEqual([
      { kind: 'record', value: 42, timestamp: 5 },
      { kind: 'watermark', watermark: 6 },
    ]);
    const filter = await OperatorHarness.open((input: DataStream<number>) => input.filter((n) => n > 1));
    filter.processAll([1, 2, 3]);
    expect(filter.values).toEqual([2, 3]);
    const flatMap = await OperatorHarness.open((input: DataStream<string>) => input.flatMap((text) => text.split(' ')));
    flatMap.processAll(['to be', 'or']);
    expect(flatMap.values).toEqual(['to', 'be', 'or']);
    const generator = await OperatorHarness.open((input: DataStream<number>) =>
      input.flatMap(function* (n) {
        for (let i = 0; i < n; i++) {
          yield i;
        }
      }),
    );
    generator.processAll([0, 3]);
    expect(generator.values).toEqual([0, 1, 2]);
  });

  it('opens and closes function objects', async () => {
    const calls: string[] = [];
    const harness = await OperatorHarness.open((input: DataStream<number>) =>
      input.map({
        open: ({ operatorName, subtask }) => void calls.push(`open ${operatorName} ${subtask}`),
        map: (n) => n + 1,
        snapshot: (checkpointId) => void calls.push(`snapshot ${checkpointId}`),
        close: () => void calls.push('close'),
      }),
    );
    harness.process(1);
    await harness.snapshot();
    await harness.close();
    expect(harness.values).toEqual([2]);
    expect(calls).toEqual(['open map 0', 'snapshot 1', 'close']);
  });

  it('refuses an object that another subtask has open', async () => {
    const shared = { open: () => {}, map: (n: number) => n };
    const draw = (input: DataStream<number>) => input.map(shared);
    const first = await OperatorHarness.open(draw);
    await expect(OperatorHarness.open(draw)).rejects.toThrow(/open already, in subtask 0 of 'map'; create it inside/);
    await first.close();
    await OperatorHarness.open(draw);
  });
});

/** The records that come out, the same with a restore anywhere. */
const expectExact = async <In, Out>(
  draw: (input: DataStream<In>) => SingleOutputStreamOperator<Out>,
  records: readonly In[],
): Promise<readonly Out[]> => {
  const { whole, restored } = await restoredRuns(
    draw,
    records.map((record) => (harness) => harness.process(record)),
  );
  for (const [cut, events] of restored.entries()) {
    expect(events, `restored after ${cut} records`).toEqual(whole);
  }
  return whole.flatMap((event) => (event.kind === 'record' ? [event.value] : []));
};

describe('running operators', () => {
  const sales = [sale('a', 1, 'x'), sale('b', 5), sale('a', 2), sale('a', -4, 'y'), sale('b', 5)];

  it('reduce', async () => {
    const results = await expectExact(
      (input: DataStream<Sale>) => input.keyBy('shop').reduce((a, b) => ({ ...b, amount: a.amount + b.amount })),
      sales,
    );
    expect(results).toEqual([sale('a', 1, 'x'), sale('b', 5), sale('a', 3), sale('a', -1, 'y'), sale('b', 10)]);
  });

  it('sum replaces the field in the newest record', async () => {
    const results = await expectExact((input: DataStream<Sale>) => input.keyBy('shop').sum('amount'), sales);
    expect(results).toEqual([sale('a', 1, 'x'), sale('b', 5), sale('a', 3), sale('a', -1, 'y'), sale('b', 10)]);
    expect(sales[0]).toEqual(sale('a', 1, 'x'));
  });

  it('min and max replace the field in the newest record', async () => {
    const min = await expectExact((input: DataStream<Sale>) => input.keyBy('shop').min('amount'), sales);
    expect(min.map(({ amount }) => amount)).toEqual([1, 5, 1, -4, 5]);
    const max = await expectExact((input: DataStream<Sale>) => input.keyBy('shop').max('amount'), sales);
    expect(max.map(({ amount, note }) => [amount, note])).toEqual([
      [1, 'x'],
      [5, undefined],
      [2, undefined],
      [2, 'y'],
      [5, undefined],
    ]);
  });

  it('minBy and maxBy keep whole records, the first of equal ones', async () => {
    const records = [sale('a', 3, 'first'), sale('a', 3, 'second'), sale('a', 1, 'third'), sale('a', 1)];
    const min = await expectExact((input: DataStream<Sale>) => input.keyBy('shop').minBy('amount'), records);
    expect(min.map(({ note }) => note)).toEqual(['first', 'first', 'third', 'third']);
    const max = await expectExact((input: DataStream<Sale>) => input.keyBy('shop').maxBy('amount'), records);
    expect(max.map(({ note }) => note)).toEqual(['first', 'first', 'first', 'first']);
    const dates = [
      { k: 1, at: new Date(5) },
      { k: 1, at: new Date(3) },
    ];
    const earliest = await expectExact(
      (input: DataStream<{ k: number; at: Date }>) => input.keyBy('k').minBy('at'),
      dates,
    );
    expect(earliest).toEqual([dates[0], dates[1]]);
  });

  it('count', async () => {
    const results = await expectExact((input: DataStream<Sale>) => input.keyBy((each) => [each.shop]).count(), sales);
    expect(results).toEqual([
      { key: ['a'], count: 1 },
      { key: ['b'], count: 1 },
      { key: ['a'], count: 2 },
      { key: ['a'], count: 3 },
      { key: ['b'], count: 2 },
    ]);
  });

  it('aggregate', async () => {
    const mean: AggregateFunction<Sale, { sum: number; n: number }, number> = {
      createAccumulator: () => ({ sum: 0, n: 0 }),
      add: (value, { sum, n }) => ({ sum: sum + value.amount, n: n + 1 }),
      getResult: ({ sum, n }) => sum / n,
    };
    const results = await expectExact((input: DataStream<Sale>) => input.keyBy('shop').aggregate(mean), sales);
    expect(results).toEqual([1, 5, 1.5, -1 / 3, 5]);
  });
});

describe('sums', () => {
  const sums = async (values: readonly (number | bigint)[]): Promise<readonly (number | bigint)[]> =>
    expectExact((input: DataStream<number | bigint>) => input.keyBy(() => 0).sum(), values);

  it('adds integers, bigints and fractions', async () => {
    expect(await sums([1, 2, -5])).toEqual([1, 3, -2]);
    expect(await sums([2n ** 60n, 2n ** 60n])).toEqual([2n ** 60n, 2n ** 61n]);
    expect(await sums([0.5, 0.5, 2 ** 53, 2 ** 53])).toEqual([0.5, 1, 2 ** 53, 2 ** 54]);
    expect(await sums([1, Infinity, 1])).toEqual([1, Infinity, Infinity]);
  });

  it.each([
    ['above', [Number.MAX_SAFE_INTEGER, 1]],
    ['below', [Number.MIN_SAFE_INTEGER, -1]],
    ['at once', [2 ** 60]],
  ])('refuses integer sums that leave 2^53: %s', async (_where, values) => {
    const harness = await OperatorHarness.open((input: DataStream<number>) =>
      input
        .keyBy(() => 0)
        .sum()
        .name('total'),
    );
    expect(() => harness.processAll(values)).toThrow(
      expect.objectContaining({
        code: 'NUMBER_OVERFLOW',
        message: expect.stringContaining("operator 'total'") as string,
      }),
    );
  });

  it.each([
    [undefined, /field 'amount' of operator 'sum' meets undefined where a number or bigint should be/],
    ['7', /meets a string/],
    [7n, /meets a bigint after values of the other kind/],
  ])('refuses %s', async (amount, message) => {
    const harness = await OperatorHarness.open((input: DataStream<Sale>) => input.keyBy('shop').sum('amount'));
    harness.process(sale('a', 1));
    expect(() => harness.process({ shop: 'a', amount: amount as never })).toThrow(message);
  });

  it('does not mistake the field __proto__', async () => {
    const record = JSON.parse('{"__proto__": 2, "k": 1}') as { readonly k: number };
    const harness = await OperatorHarness.open((input: DataStream<{ readonly k: number }>) =>
      input.keyBy('k').sum('__proto__' as 'k'),
    );
    harness.process(record);
    harness.process(record);
    expect(JSON.stringify(harness.values[1])).toBe('{"__proto__":4,"k":1}');
  });
});
