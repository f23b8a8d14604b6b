import {
  type AllWindowedStream,
  type CountWindow,
  type DataStream,
  type SingleOutputStreamOperator,
  type TimeWindow,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  type WindowedStream,
} from 'millrace';
import { type Golden, type GoldenCase, STEPS } from './golden-case.ts';
import { byCustomer, extreme, type Order, ORDERS, OUT_OF_ORDER_MS, sumOf } from './orders.ts';
import { average } from './running-cases.ts';
import { watermarks } from './watermarks.ts';

type Keyed = WindowedStream<Order, string, CountWindow> | WindowedStream<Order, string, TimeWindow>;
type All = AllWindowedStream<Order, CountWindow> | AllWindowedStream<Order, TimeWindow>;

/** What can be done with the records of a window; results are lines, those of a key begin with it. */
interface WindowMethod {
  readonly name: string;
  readonly keyed: (windowed: WindowedStream<Order, string, unknown>) => SingleOutputStreamOperator<string>;
  readonly all: (windowed: AllWindowedStream<Order, unknown>) => SingleOutputStreamOperator<string>;
  readonly expected: (orders: readonly Order[]) => string;
}

const last = (orders: readonly Order[]): Order => orders.at(-1)!;
const line = ({ customer, id, amount }: Order): string => `${customer}\t${id} ${amount}`;
const added = (a: Order, b: Order): Order => ({ ...b, amount: a.amount + b.amount, id: a.id });
const mean = (orders: readonly Order[]): number => Math.round(sumOf(orders) / orders.length);
const ids = (orders: readonly Order[]): string => orders.map(({ id }) => id).join(',');

const METHODS: readonly WindowMethod[] = [
  {
    name: 'reduce',
    keyed: (windowed) => windowed.reduce(added, (key, _window, { id, amount }) => `${key}\t${id} ${amount}`),
    all: (windowed) => windowed.reduce(added, (_window, { id, amount }) => `${id} ${amount}`),
    expected: (orders) => `${orders[0]!.id} ${sumOf(orders)}`,
  },
  {
    name: 'sum',
    keyed: (windowed) => windowed.sum('amount').map(line),
    all: (windowed) => windowed.sum('amount').map(({ id, amount }) => `${id} ${amount}`),
    expected: (orders) => `${last(orders).id} ${sumOf(orders)}`,
  },
  {
    name: 'min',
    keyed: (windowed) => windowed.min('amount').map(line),
    all: (windowed) => windowed.min('amount').map(({ id, amount }) => `${id} ${amount}`),
    expected: (orders) => `${last(orders).id} ${extreme(orders, 1).amount}`,
  },
  {
    name: 'max',
    keyed: (windowed) => windowed.max('amount').map(line),
    all: (windowed) => windowed.max('amount').map(({ id, amount }) => `${id} ${amount}`),
    expected: (orders) => `${last(orders).id} ${extreme(orders, -1).amount}`,
  },
  {
    name: 'minBy',
    keyed: (windowed) => windowed.minBy('amount').map(line),
    all: (windowed) => windowed.minBy('amount').map(({ id, amount }) => `${id} ${amount}`),
    expected: (orders) => `${extreme(orders, 1).id} ${extreme(orders, 1).amount}`,
  },
  {
    name: 'maxBy',
    keyed: (windowed) => windowed.maxBy('amount').map(line),
    all: (windowed) => windowed.maxBy('amount').map(({ id, amount }) => `${id} ${amount}`),
    expected: (orders) => `${extreme(orders, -1).id} ${extreme(orders, -1).amount}`,
  },
  {
    name: 'count',
    keyed: (windowed) => windowed.count().map(({ key, count }) => `${key}\t${count}`),
    all: (windowed) => windowed.count().map(String),
    expected: (orders) => String(orders.length),
  },
  {
    name: 'aggregate',
    keyed: (windowed) => windowed.aggregate(average, (key, _window, result) => `${key}\t${result}`),
    all: (windowed) => windowed.aggregate(average, (_window, result) => String(result)),
    expected: (orders) => String(mean(orders)),
  },
  {
    name: 'process',
    keyed: (windowed) => windowed.process((key, _window, orders) => [`${key}\t${ids(orders)}`]),
    all: (windowed) => windowed.process((_window, orders) => [ids(orders)]),
    expected: ids,
  },
];

interface WindowKind {
  readonly name: string;
  readonly covers: readonly string[];
  readonly draw: (golden: Golden, method: WindowMethod) => SingleOutputStreamOperator<string>;
  readonly isKeyed: boolean;
  readonly expectedWindows: (orders: readonly Order[]) => readonly (readonly Order[])[];
}

const inCounts =
  (size: number) =>
  (orders: readonly Order[]): Order[][] =>
    Array.from({ length: Math.floor(orders.length / size) }, (_, i) => orders.slice(i * size, (i + 1) * size));

const inTime =
  (sizeMs: number, offsetMs = 0) =>
  (orders: readonly Order[]): Order[][] =>
    [...Map.groupBy(orders, ({ time }) => Math.floor((time - offsetMs) / sizeMs))]
      .sort(([a], [b]) => a - b)
      .map(([, window]) => window);

const orderTimes = (golden: Golden): DataStream<Order> => watermarks(golden.paced(ORDERS), OUT_OF_ORDER_MS);

const KINDS: readonly WindowKind[] = [
  {
    name: 'countWindow',
    covers: ['KeyedStream.countWindow'],
    isKeyed: true,
    draw: (golden, { keyed }) => keyed(golden.paced(ORDERS).keyBy('customer').countWindow(5) as Keyed as never),
    expectedWindows: inCounts(5),
  },
  {
    name: 'countWindowAll',
    covers: ['DataStream.countWindowAll'],
    isKeyed: false,
    draw: (golden, { all }) => all(golden.paced(ORDERS).countWindowAll(7) as All as never).setParallelism(1),
    expectedWindows: inCounts(7),
  },
  {
    name: 'window in event time',
    covers: ['KeyedStream.window', 'TumblingEventTimeWindows.of', 'DataStream.assignTimestampsAndWatermarks'],
    isKeyed: true,
    draw: (golden, { keyed }) =>
      keyed(orderTimes(golden).keyBy('customer').window(TumblingEventTimeWindows.of('2s')) as Keyed as never),
    expectedWindows: inTime(2000),
  },
  {
    name: 'windowAll in event time',
    covers: ['DataStream.windowAll', 'TumblingEventTimeWindows.of', 'WatermarkStrategy.forBoundedOutOfOrderness'],
    isKeyed: false,
    draw: (golden, { all }) =>
      all(orderTimes(golden).windowAll(TumblingEventTimeWindows.of('700ms', '150ms')) as All as never).setParallelism(
        1,
      ),
    expectedWindows: inTime(700, 150),
  },
];

const casesOf = (kind: WindowKind): GoldenCase[] =>
  METHODS.map((method) => ({
    name: `${kind.name}, ${method.name}`,
    covers: [...kind.covers, `${kind.isKeyed ? 'WindowedStream' : 'AllWindowedStream'}.${method.name}`],
    order: kind.isKeyed ? 'key' : 'total',
    draw: (golden) => golden.write(kind.draw(golden, method)),
    expected: () =>
      kind.isKeyed
        ? [...byCustomer()].flatMap(([customer, orders]) =>
            kind.expectedWindows(orders).map((window) => `${customer}\t${method.expected(window)}`),
          )
        : kind.expectedWindows(ORDERS).map(method.expected),
  }));

/** Adds up the last column of the lines of each key: how records fall into windows depends on the clock. */
const totals = (lines: readonly string[]): string[] =>
  [...Map.groupBy(lines, (each) => each.split('\t')[0]!)].map(
    ([key, own]) => `${key}\t${own.reduce((sum, each) => sum + Number(each.split('\t')[1]), 0)}`,
  );

const total = (lines: readonly string[]): number => lines.reduce((sum, each) => sum + Number(each.split('\t')[1]), 0);

/** Windows that are open at the end of the input do not fire, so the end waits for all. */
const allCounted =
  (golden: Golden) =>
  (step: number): boolean =>
    step < STEPS - 1 || total(golden.committed()) >= ORDERS.length;

const CLOCK_CASES: readonly GoldenCase[] = [
  {
    name: 'window in processing time',
    covers: ['KeyedStream.window', 'TumblingProcessingTimeWindows.of', 'WindowedStream.count'],
    order: 'any',
    normalize: totals,
    draw: (golden) =>
      golden.write(
        golden
          .paced(ORDERS, allCounted(golden))
          .keyBy('customer')
          .window(TumblingProcessingTimeWindows.of('40ms'))
          .count()
          .map(({ key, count }) => `${key}\t${count}`),
      ),
    expected: () => [...byCustomer()].map(([customer, orders]) => `${customer}\t${orders.length}`),
  },
  {
    name: 'windowAll in processing time',
    covers: ['DataStream.windowAll', 'TumblingProcessingTimeWindows.of', 'AllWindowedStream.process'],
    order: 'any',
    normalize: totals,
    draw: (golden) =>
      golden.write(
        golden
          .paced(ORDERS, allCounted(golden))
          .windowAll(TumblingProcessingTimeWindows.of('40ms'))
          .process((_window, orders) => [`all\t${orders.length}`]),
      ),
    expected: () => [`all\t${ORDERS.length}`],
  },
];

/** Windows of both kinds, with everything that can be done with their records. */
export const WINDOW_CASES: readonly GoldenCase[] = [...KINDS.flatMap(casesOf), ...CLOCK_CASES];
