import type { AggregateFunction, DataStream, KeyedStream } from 'millrace';
import type { GoldenCase } from './golden-case.ts';
import { extreme, type Order, ORDERS, sumOf, upToEach } from './orders.ts';

export const average: AggregateFunction<Order, { readonly sum: number; readonly count: number }, number> = {
  createAccumulator: () => ({ sum: 0, count: 0 }),
  add: ({ amount }, { sum, count }) => ({ sum: sum + amount, count: count + 1 }),
  getResult: ({ sum, count }) => Math.round(sum / count),
};

const running = (
  name: string,
  apply: (orders: KeyedStream<Order, string>) => DataStream<string>,
  result: (order: Order, soFar: readonly Order[]) => string,
): GoldenCase => ({
  name,
  covers: [`KeyedStream.${name}`, 'DataStream.keyBy'],
  order: 'key',
  draw: (golden) => golden.write(apply(golden.paced(ORDERS).keyBy('customer'))),
  expected: () => upToEach().map(([order, soFar]) => `${order.customer}\t${result(order, soFar)}`),
});

/** The new result for each record of a key. */
export const RUNNING_CASES: readonly GoldenCase[] = [
  running(
    'reduce',
    (orders) =>
      orders
        .reduce((a, b) => ({ ...b, amount: a.amount + b.amount, product: `${a.product}${b.product[0]}`.slice(-9) }))
        .map(({ customer, id, amount, product }) => `${customer}\t${id} ${amount} ${product}`),
    ({ id }, soFar) => {
      const [first, ...others] = soFar.map(({ product }) => product);
      return `${id} ${sumOf(soFar)} ${[first, ...others.map((product) => product[0])].join('').slice(-9)}`;
    },
  ),
  running(
    'sum',
    (orders) => orders.sum('amount').map(({ customer, id, amount }) => `${customer}\t${id} ${amount}`),
    ({ id }, soFar) => `${id} ${sumOf(soFar)}`,
  ),
  {
    ...running(
      'sum',
      (orders) => orders.sum('cents').map(({ customer, id, cents }) => `${customer}\t${id} ${cents}`),
      ({ id }, soFar) => `${id} ${sumOf(soFar) * 100}`,
    ),
    name: 'sum of bigints',
  },
  running(
    'min',
    (orders) => orders.min('amount').map(({ customer, id, amount }) => `${customer}\t${id} ${amount}`),
    ({ id }, soFar) => `${id} ${extreme(soFar, 1).amount}`,
  ),
  running(
    'max',
    (orders) => orders.max('amount').map(({ customer, id, amount }) => `${customer}\t${id} ${amount}`),
    ({ id }, soFar) => `${id} ${extreme(soFar, -1).amount}`,
  ),
  running(
    'minBy',
    (orders) => orders.minBy('amount').map(({ customer, id, amount }) => `${customer}\t${id} ${amount}`),
    (_order, soFar) => `${extreme(soFar, 1).id} ${extreme(soFar, 1).amount}`,
  ),
  running(
    'maxBy',
    (orders) => orders.maxBy('amount').map(({ customer, id, amount }) => `${customer}\t${id} ${amount}`),
    (_order, soFar) => `${extreme(soFar, -1).id} ${extreme(soFar, -1).amount}`,
  ),
  running(
    'count',
    (orders) => orders.count().map(({ key, count }) => `${key}\t${count}`),
    (_order, soFar) => String(soFar.length),
  ),
  {
    name: 'aggregate',
    covers: ['KeyedStream.aggregate'],
    order: 'key',
    draw: (golden) =>
      golden.write(
        golden
          .paced(ORDERS)
          .keyBy(({ customer }) => customer)
          .aggregate<{ sum: number; count: number; customer: string }, string>({
            createAccumulator: () => ({ sum: 0, count: 0, customer: '' }),
            add: ({ amount, customer }, { sum, count }) => ({ sum: sum + amount, count: count + 1, customer }),
            getResult: ({ sum, count, customer }) => `${customer}\t${Math.round(sum / count)}`,
          }),
      ),
    expected: () =>
      upToEach().map(([{ customer }, soFar]) => `${customer}\t${Math.round(sumOf(soFar) / soFar.length)}`),
  },
];
