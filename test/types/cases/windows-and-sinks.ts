import {
  OutputTag,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
  job,
  type AggregateFunction,
  type CountWindow,
  type JobDefinition,
  type TimeWindow,
  type WindowCount,
} from 'millrace';
import { generate, sequence } from 'millrace/connectors/generator';
import {
  anySink,
  bigints,
  customerSink,
  env,
  numbers,
  orders,
  orderSink,
  recordsAre,
  textSink,
  typeIs,
  words,
  type Order,
} from './fixtures.ts';

const minute = TumblingEventTimeWindows.of('1min');

// case: sums of windows
recordsAre<number>()(numbers.countWindowAll(100).sum());
recordsAre<bigint>()(bigints.windowAll(minute).max());
recordsAre<Order>()(orders.keyBy('customer').countWindow(3).sum('cents'));

// case: a count of windows has key and window
recordsAre<WindowCount<string, TimeWindow>>()(orders.keyBy('customer').window(minute).count());
recordsAre<WindowCount<bigint, CountWindow>>()(orders.keyBy('cents').countWindow(2).count());
recordsAre<number>()(orders.windowAll(minute).count());

// case: a window function gets key, window and result
declare const average: AggregateFunction<Order, { sum: number }, number>;
recordsAre<{ customer: string; from: number; mean: number }>()(
  orders
    .keyBy('customer')
    .window(minute)
    .aggregate(average, (customer, { start }, mean) => ({ customer, from: start, mean })),
);
recordsAre<number>()(orders.keyBy('customer').window(minute).aggregate(average));
recordsAre<string>()(orders.windowAll(minute).reduce((a) => a, ({ end }, order) => `${end} ${order.product}`));

// case: process of windows returns any iterable
recordsAre<string>()(
  orders
    .keyBy('customer')
    .window(TumblingProcessingTimeWindows.of('10s', '1s'))
    .process((customer, window, elements) => elements.map((order) => `${customer} ${window.end} ${order.product}`)),
);

// case: lateness belongs to event time
const late = new OutputTag<Order>('late');
recordsAre<Order>()(
  orders.keyBy('customer').window(minute).allowedLateness('5 s').sideOutputLateData(late).sum('amount').sideOutput(late),
);

// case: watermark strategies
recordsAre<Order>()(
  orders.assignTimestampsAndWatermarks(WatermarkStrategy.forBoundedOutOfOrderness('5s'), (order) => order.time),
);
recordsAre<Order>()(
  orders.assignTimestampsAndWatermarks(
    WatermarkStrategy.forMonotonousTimestamps()
      .withTimestampAssigner((order: Order) => order.time)
      .withIdleness('1 min'),
  ),
);

// case: sinks take what the stream has, or less
orders.to(orderSink).name('orders').uid('orders-sink').setParallelism(2);
orders.to(customerSink);
orders.to(anySink);
words.to(textSink);
numbers.print();
numbers.collect('numbers');
numbers.blackhole();

// case: sources say what they have
recordsAre<number>()(env.from(sequence({ every: '100ms' })));

// case: a job
typeIs<JobDefinition>()(
  job('demo', (environment, args) => {
    environment.enableCheckpointing({ interval: '5s', mode: 'exactly-once' });
    environment.setRestartStrategy({ kind: 'fixed-delay', attempts: 3, delay: '10s' });
    environment.fromElements(...args).print();
  }),
);
typeIs<JobDefinition>()(job('short', (environment) => environment.fromElements(1).print()));

// case: a sink of other records
// @expect-error: Type 'Sink<string>' is missing the following properties from type 'WrongSink<Order, string>'
orders.to(textSink);

// case: a sink that needs more than there is
// @expect-error: WrongSink<{ customer: string; }, Order>
orders.map(({ customer }) => ({ customer })).to(orderSink);

// case: sum over a string field of a window
// @expect-error: sum() needs a field of numbers or bigints, and 'product' is not one
orders.keyBy('customer').window(minute).sum('product');

// case: sum of texts in a window
// @expect-error: Expected 1 arguments, but got 0
words.countWindowAll(3).sum();

// case: a window without a key
// @expect-error: Property 'window' does not exist on type 'DataStream<Order>'
orders.window(minute);

// case: a window in words that are no duration
// @expect-error: Argument of type '"a minute"' is not assignable
TumblingEventTimeWindows.of('a minute');

// case: something else than windows
// @expect-error: 'string' is not assignable to parameter of type 'TumblingEventTimeWindows | TumblingProcessingTimeWindows'
orders.keyBy('customer').window('10s');

// case: lateness in processing time
// @expect-error: Property 'allowedLateness' does not exist on type 'AllWindowedStream<Order, TimeWindow>'
orders.windowAll(TumblingProcessingTimeWindows.of('1s')).allowedLateness('1s');

// case: lateness of a count window
// @expect-error: Property 'allowedLateness' does not exist on type 'WindowedStream<Order, string, CountWindow>'
orders.keyBy('customer').countWindow(10).allowedLateness('1s');

// case: a late tag of another type
// @expect-error: OutputTag<string>
orders.windowAll(minute).sideOutputLateData(new OutputTag<string>('late'));

// case: a timestamp that is a date
// @expect-error: Type 'Date' is not assignable to type 'number'
orders.assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps(), (order) => new Date(order.time));

// case: a strategy for other records
// @expect-error: is not assignable to parameter of type 'WatermarkStrategy<Order>'
orders.assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps<{ nope: 1 }>().withTimestampAssigner((e: { nope: 1 }) => e.nope));

// case: a process function of windows that returns one record
// @expect-error: is not assignable to type 'Iterable<
orders.windowAll(minute).process((window, elements) => elements.length);

// case: a mode that does not exist
// @expect-error: "exactly-twice"
env.enableCheckpointing({ interval: '5s', mode: 'exactly-twice' });

// case: checkpointing without an interval
// @expect-error: interval
env.enableCheckpointing({ mode: 'exactly-once' });

// case: a restart strategy with options of another
// @expect-error: 'attempts' does not exist in type
env.setRestartStrategy({ kind: 'failure-rate', attempts: 3 });

// case: an async builder
// @expect-error: the builder is synchronous
job('async', async (environment) => {
  environment.fromElements(1).print();
});

// case: something that is no source
// @expect-error: Type 'number[]' is missing the following properties from type 'Source<
env.from([1, 2, 3]);
