import type { AggregateFunction } from '../../runtime/state/keyed-state.ts';
import type { StreamEdge } from '../graph/stream-graph.ts';
import { AggregateBehavior } from '../operators/aggregate-operator.ts';
import { CountBehavior, type KeyCount } from '../operators/count-operator.ts';
import { ExtremumBehavior } from '../operators/extremum-operator.ts';
import type { KeySelector } from '../operators/key-selector.ts';
import { KeyedProcessBehavior } from '../operators/keyed-process-operator.ts';
import { numericField } from '../operators/numeric-field.ts';
import type { KeyedProcessFunction } from '../operators/process-function.ts';
import { extremeRecord, ReduceBehavior, type ReduceFunction } from '../operators/reduce-operator.ts';
import { SumBehavior } from '../operators/sum-operator.ts';
import type { CountWindow, TimeWindow } from '../operators/time-window.ts';
import { DataStream, type SingleOutputStreamOperator } from './data-stream.ts';
import type { ComparableField, FieldNames, NumericArgument, Unstated } from './field-types.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { TumblingEventTimeWindows, type TumblingProcessingTimeWindows } from './tumbling-windows.ts';
import { countWindowSize, keyedWindow } from './window-draft.ts';
import type { EventTimeWindowedStream, WindowedStream } from './windowed-stream.ts';

/**
 * A stream whose records are together by key, so that operators keep state for each key. Running operators (`reduce`,
 * `sum`, ...) emit the new result for each record.
 */
export class KeyedStream<T, K> extends DataStream<T> {
  // Untyped, or a stream of special records could not be used as a stream of general ones.
  readonly #key: KeySelector<unknown>;

  constructor(builder: GraphBuilder, edges: readonly StreamEdge[], key: KeySelector<T, K>) {
    super(builder, edges);
    this.#key = key as KeySelector<unknown>;
  }

  /**
   * Combines the result so far with each record into a new one; the first record of a key is its first result. The
   * function returns a new object and changes neither argument.
   *
   * ```ts
   * orders.keyBy('customer').reduce((a, b) => ({ ...b, amount: a.amount + b.amount })).print();
   * ```
   */
  reduce(fn: ReduceFunction<T>): SingleOutputStreamOperator<T> {
    return this.transform(new ReduceBehavior(this.#key, fn));
  }

  /**
   * For each record that record, the field replaced by the sum so far; on a stream of plain numbers the sum itself.
   * Sums of integers that leave ±2^53 fail the job (NUMBER_OVERFLOW); bigints have no limit; numbers with a fraction
   * add up as doubles.
   *
   * ```ts
   * orders.keyBy('customer').sum('amount').print();
   * ```
   */
  sum<F extends FieldNames<T>[keyof T & string]>(
    ...field: NumericArgument<T, F, 'sum'>
  ): SingleOutputStreamOperator<T> {
    return this.transform(new SumBehavior(this.#key, numericField(field[0])));
  }

  /** For each record that record, the field replaced by the smallest value so far. */
  min<F extends FieldNames<T>[keyof T & string]>(
    ...field: NumericArgument<T, F, 'min'>
  ): SingleOutputStreamOperator<T> {
    return this.transform(new ExtremumBehavior('min', this.#key, numericField(field[0])));
  }

  /** For each record that record, the field replaced by the largest value so far. */
  max<F extends FieldNames<T>[keyof T & string]>(
    ...field: NumericArgument<T, F, 'max'>
  ): SingleOutputStreamOperator<T> {
    return this.transform(new ExtremumBehavior('max', this.#key, numericField(field[0])));
  }

  /** The record with the smallest value of the field so far; of equal ones the first. */
  minBy<F extends FieldNames<T>[keyof T & string]>(
    field: ComparableField<T, F, 'minBy'>,
  ): SingleOutputStreamOperator<T> {
    return this.transform(new ReduceBehavior(this.#key, extremeRecord<T>('min', field), 'minBy'));
  }

  /** The record with the largest value of the field so far; of equal ones the first. */
  maxBy<F extends FieldNames<T>[keyof T & string]>(
    field: ComparableField<T, F, 'maxBy'>,
  ): SingleOutputStreamOperator<T> {
    return this.transform(new ReduceBehavior(this.#key, extremeRecord<T>('max', field), 'maxBy'));
  }

  /**
   * For each record its key and how many records the key has so far.
   *
   * ```ts
   * orders.keyBy('product').count().map(({ key, count }) => `${key}: ${count}`).print();
   * ```
   */
  count(): SingleOutputStreamOperator<KeyCount<K>> {
    return this.transform(new CountBehavior(this.#key));
  }

  /**
   * For each record the result of the aggregate so far. `add` returns a new accumulator and does not change the old one.
   *
   * ```ts
   * const average: AggregateFunction<Order, { sum: number; count: number }, number> = {
   *   createAccumulator: () => ({ sum: 0, count: 0 }),
   *   add: (order, { sum, count }) => ({ sum: sum + order.amount, count: count + 1 }),
   *   getResult: ({ sum, count }) => sum / count,
   * };
   * orders.keyBy('product').aggregate(average).print();
   * ```
   */
  aggregate<Acc, Out>(fn: AggregateFunction<T, Acc, Out>): SingleOutputStreamOperator<Out> {
    return this.transform(new AggregateBehavior(this.#key, fn));
  }

  /**
   * The general operator: state and timers by key, any number of records out. `Out` has to be said where the function is
   * an arrow function; a class says it in its methods.
   *
   * ```ts
   * class Quiet implements RichKeyedProcessFunction<string, Order, string> {
   *   #last!: ValueState<number>;
   *
   *   open(ctx: KeyedRuntimeContext) {
   *     this.#last = ctx.state.value('last');
   *   }
   *
   *   process(order: Order, ctx: KeyedProcessContext<string>) {
   *     ctx.timers.deleteEventTime((this.#last.value() ?? 0) + 60_000);
   *     this.#last.update(order.time);
   *     ctx.timers.registerEventTime(order.time + 60_000);
   *   }
   *
   *   onTimer(time: number, ctx: OnTimerContext<string>, out: Collector<string>) {
   *     out.collect(`${ctx.currentKey} ordered nothing for a minute`);
   *   }
   * }
   * orders.keyBy('customer').process(new Quiet()).print();
   * ```
   */
  override process<Out = Unstated>(fn: KeyedProcessFunction<K, T, Out>): SingleOutputStreamOperator<Out> {
    return this.transform(new KeyedProcessBehavior(this.#key as KeySelector<T, K>, fn));
  }

  /** Windows of `size` records of a key. A window that is not full when the input ends does not fire. */
  countWindow(size: number): WindowedStream<T, K, CountWindow> {
    return this.builder.streams.windowed(
      keyedWindow(this.builder, this.edges, this.#key, { kind: 'count', size: countWindowSize(size) }),
    );
  }

  /**
   * Windows in time, by key.
   *
   * ```ts
   * orders
   *   .assignTimestampsAndWatermarks(WatermarkStrategy.forBoundedOutOfOrderness('5s'), (order) => order.time)
   *   .keyBy('customer')
   *   .window(TumblingEventTimeWindows.of('1min'))
   *   .sum('amount')
   *   .print();
   * ```
   */
  window<W extends TumblingEventTimeWindows | TumblingProcessingTimeWindows>(windows: W): WindowedBy<W, T, K> {
    const draft = keyedWindow(this.builder, this.edges, this.#key, { kind: 'time', windows: windows.windows });
    const windowed =
      windows instanceof TumblingEventTimeWindows
        ? this.builder.streams.eventTimeWindowed<T, K>(draft)
        : this.builder.streams.windowed<T, K, TimeWindow>(draft);
    return windowed as WindowedBy<W, T, K>;
  }
}

/** Only windows in event time know late records. */
export type WindowedBy<W, T, K> = W extends TumblingEventTimeWindows
  ? EventTimeWindowedStream<T, K>
  : WindowedStream<T, K, TimeWindow>;
