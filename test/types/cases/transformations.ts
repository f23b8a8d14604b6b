import { OutputTag, type Collector, type DataStream, type ProcessContext, type RichMapFunction } from 'millrace';
import { bigints, env, numbers, orders, recordsAre, refunds, words, type Order, type Refund } from './fixtures.ts';

// case: map infers what the function returns
recordsAre<number>()(orders.map((order) => order.amount));

// case: map takes an object with open and close
class Longer implements RichMapFunction<string, number> {
  map(text: string): number {
    return text.length;
  }
}
recordsAre<number>()(words.map(new Longer()));

// case: a type guard narrows
const isOrder = (value: Order | Refund): value is Order => 'product' in value;
recordsAre<Order>()(orders.union(refunds).filter(isOrder));

// case: an inferred type guard narrows
recordsAre<string>()(env.fromElements('a', undefined).filter((text) => text !== undefined));

// case: flatMap takes any iterable
recordsAre<string>()(words.flatMap((text) => text.split(' ')));
recordsAre<number>()(
  words.flatMap(function* (text) {
    yield text.length;
  }),
);

// case: asyncMap unwraps the promise
recordsAre<{ id: number }>()(numbers.asyncMap(async (id) => ({ id }), { capacity: 5, timeout: '10 s', ordered: false }));

// case: union of different records
recordsAre<Order | Refund | number>()(orders.union(refunds, numbers));

// case: a stream of special records is a stream of general ones
const wider: DataStream<number | string> = numbers;
const keyed: DataStream<unknown> = orders.keyBy('customer');
const general: DataStream<Refund> = refunds.map((refund) => ({ ...refund, extra: 1 }));

// case: process says what comes out
recordsAre<number>()(words.process<number>((text, ctx, out) => out.collect(text.length + ctx.currentWatermark)));

// case: process infers it from a class
class Lengths {
  process(text: string, _ctx: ProcessContext, out: Collector<number>): void {
    out.collect(text.length);
  }
}
recordsAre<number>()(words.process(new Lengths()));

// case: a side output has the type of its tag
const late = new OutputTag<{ readonly text: string }>('late');
const processed = words.process<string>((text, ctx) => ctx.output(late, { text }));
recordsAre<{ readonly text: string }>()(processed.sideOutput(late));

// case: elements of one source
recordsAre<number>()(env.fromElements(1, 2, 3));
recordsAre<bigint>()(env.fromCollection(new Set([1n])));

// case: a stream of general records is no stream of special ones
// @expect-error: Type 'Refund' is missing the following properties from type 'Order'
const special: DataStream<Order> = refunds;

// case: partitioning keeps the type, custom partitioning knows its key
recordsAre<Order>()(orders.rebalance().rescale().broadcast().global().forward());
recordsAre<Order>()(orders.partitionCustom((customer, channels) => customer.length % channels, 'customer'));

// case: a function that reads a field that is not there
// @expect-error: Property 'nope' does not exist on type 'Order'
orders.map((order) => order.nope);

// case: map with a promise
// @expect-error: map() takes synchronous functions: use asyncMap() for one that returns a promise
orders.map(async (order) => order.amount);

// case: filter with a promise
// @expect-error: Type 'Promise<boolean>' is not assignable to type 'boolean'
orders.filter(async (order) => order.amount > 1);

// case: filter with a number
// @expect-error: Type 'number' is not assignable to type 'boolean'
orders.filter((order) => order.amount);

// case: flatMap with something that is not iterable
// @expect-error: is not assignable to type 'Iterable<
words.flatMap((text) => text.length);

// case: process without the type of its results
// @expect-error: say what comes out: .process<Out>(...)
words.process((text, _ctx, out) => out.collect(text.length));

// case: process with an async function
// @expect-error: Promise<void>
words.process<string>(async (text, _ctx, out) => out.collect(text));

// case: a wrong record in a side output
// @expect-error: Type 'number' is not assignable to type 'string'
words.process<string>((text, ctx) => ctx.output(late, { text: 5 }));

// case: asyncMap with a wrong duration
// @expect-error: Type '"ten seconds"' is not assignable
numbers.asyncMap(async (id) => id, { timeout: 'ten seconds' });

// case: a setting of an operator on a union
// @expect-error: Property 'uid' does not exist on type 'DataStream<number | bigint>'
numbers.union(bigints).uid('both');

// case: timers without a key
// @expect-error: Property 'timers' does not exist on type 'ProcessContext'
words.process<string>((_text, ctx) => ctx.timers.registerEventTime(1));

// case: custom partitioning by a field that is not there
// @expect-error: "nope"
orders.partitionCustom((key, channels) => channels - 1, 'nope');
