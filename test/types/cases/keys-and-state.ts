import type {
  AggregateFunction,
  Collector,
  KeyCount,
  KeyedProcessContext,
  KeyedRuntimeContext,
  KeyedStream,
  OnTimerContext,
  RichKeyedProcessFunction,
  ValueState,
} from 'millrace';
import { bigints, numbers, orders, recordsAre, typeIs, words, type Order } from './fixtures.ts';

// case: the key of a field has the field's type
typeIs<KeyedStream<Order, string>>()(orders.keyBy('customer'));
typeIs<KeyedStream<Order, bigint>>()(orders.keyBy('cents'));

// case: the key of a function has the type of its result
typeIs<KeyedStream<number, number>>()(numbers.keyBy((n) => n % 2));
typeIs<KeyedStream<Order, readonly [string, Date]>>()(
  orders.keyBy((order): readonly [string, Date] => [order.customer, new Date(order.time)]),
);

// case: an optional field can be a key
typeIs<KeyedStream<Order, number | undefined>>()(orders.keyBy('coupon'));

// case: count has the key
recordsAre<KeyCount<string>>()(orders.keyBy('product').count());

// case: sum, min and max of numbers and bigints keep the record's type
recordsAre<Order>()(orders.keyBy('customer').sum('amount'));
recordsAre<Order>()(orders.keyBy('customer').max('cents'));

// case: streams of plain numbers and bigints are summed without a field
recordsAre<number>()(numbers.keyBy((n) => n % 2).sum());
recordsAre<bigint>()(bigints.keyBy((n) => n % 2n).min());

// case: minBy compares texts too
recordsAre<Order>()(orders.keyBy('customer').minBy('product'));

// case: aggregate infers its result
declare const average: AggregateFunction<Order, { sum: number }, number>;
recordsAre<number>()(orders.keyBy('customer').aggregate(average));

// case: a keyed function object knows key, state and timers
class Quiet implements RichKeyedProcessFunction<string, Order, { readonly customer: string }> {
  #last!: ValueState<number>;
  open(ctx: KeyedRuntimeContext): void {
    this.#last = ctx.state.value('last');
  }
  process(order: Order, ctx: KeyedProcessContext<string>): void {
    this.#last.update(order.time);
    ctx.timers.registerEventTime(order.time + 1000);
  }
  onTimer(_time: number, ctx: OnTimerContext<string>, out: Collector<{ readonly customer: string }>): void {
    out.collect({ customer: ctx.currentKey });
  }
}
recordsAre<{ readonly customer: string }>()(orders.keyBy('customer').process(new Quiet()));

// case: a keyed function knows the type of its key
orders.keyBy('cents').process<bigint>((_order, ctx, out) => out.collect(ctx.currentKey));

// case: a keyed stream is a stream
recordsAre<string>()(orders.keyBy('customer').map((order) => order.customer));

// case: keyBy of a field that is not there
// @expect-error: "custmer"
orders.keyBy('custmer');

// case: keyBy of a field of plain numbers
// @expect-error: is not assignable to
numbers.keyBy('value');

// case: keyBy with a promise
// @expect-error: a key selector is synchronous: compute the key with asyncMap() first
orders.keyBy(async (order) => order.customer);

// case: keyBy with something that is never equal
// @expect-error: a key is a string, number, bigint, boolean, date, or an array or plain object of those
orders.keyBy((order) => new Map([[order.customer, 1]]));

// case: sum over a string field
// @expect-error: sum() needs a field of numbers or bigints, and 'customer' is not one
orders.keyBy('customer').sum('customer');

// case: sum over a field that may be missing
// @expect-error: sum() needs a field of numbers or bigints, and 'coupon' is not one
orders.keyBy('customer').sum('coupon');

// case: sum over a field that is not there
// @expect-error: Argument of type '"amout"' is not assignable to parameter of type '"amount" | "cents" | "time"'
orders.keyBy('customer').sum('amout');

// case: sum of records without a field
// @expect-error: Expected 1 arguments, but got 0
orders.keyBy('customer').sum();

// case: sum of texts
// @expect-error: Expected 1 arguments, but got 0
words.keyBy((word) => word).sum();

// case: sum of plain numbers with a field
// @expect-error: Expected 0 arguments, but got 1
numbers.keyBy((n) => n).sum('amount');

// case: minBy of a field without an order
// @expect-error: minBy() needs a field of numbers, bigints, strings or dates, and 'coupon' is not one
orders.keyBy('customer').minBy('coupon');

// case: reduce to another type
// @expect-error: Type 'number' is not assignable to type 'Order'
orders.keyBy('customer').reduce((a, b) => a.amount + b.amount);

// case: a function object of another key
// @expect-error: Type 'bigint' is not assignable to type 'string'
orders.keyBy('cents').process(new Quiet());

// case: reduce without a key
// @expect-error: Property 'reduce' does not exist on type 'DataStream<Order>'
orders.reduce((a) => a);

// case: state of another type
orders.keyBy('customer').process<never>((order, ctx) => {
  // @expect-error: Argument of type 'string' is not assignable to parameter of type 'number'
  ctx.state.value<number>('last').update(order.customer);
});
