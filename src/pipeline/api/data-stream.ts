import { parseDuration, type Duration } from '../../foundation/common/duration.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import { blackhole, collect, print } from '../connectors/built-in-sinks.ts';
import type { Sink } from '../connectors/sink.ts';
import type { Partitioning, StreamEdge, StreamNode } from '../graph/stream-graph.ts';
import { AsyncMapBehavior, type AsyncMapFunction } from '../operators/async-map-operator.ts';
import { FilterBehavior, type FilterFunction } from '../operators/filter-operator.ts';
import { FlatMapBehavior, type FlatMapFunction } from '../operators/flat-map-operator.ts';
import { keySelector } from '../operators/key-selector.ts';
import { MapBehavior, type MapFunction } from '../operators/map-operator.ts';
import type { OperatorBehavior } from '../operators/operator.ts';
import type { OutputTag } from '../operators/output-tag.ts';
import { hasFunctionObject } from '../operators/per-subtask-behavior.ts';
import type { ProcessFunction } from '../operators/process-function.ts';
import { ProcessBehavior } from '../operators/process-operator.ts';
import { sinkOperatorBehavior } from '../operators/sink-operator.ts';
import type { CountWindow, TimeWindow } from '../operators/time-window.ts';
import { WatermarkBehavior, type TimestampAssigner } from '../operators/watermark-operator.ts';
import type { AllWindowedStream, EventTimeAllWindowedStream } from './all-windowed-stream.ts';
import type { DataStreamSink } from './data-stream-sink.ts';
import type { CheckedKey, FieldNames, Immediate, KeyOf, Unstated } from './field-types.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { KeyedStream } from './keyed-stream.ts';
import { TumblingEventTimeWindows, type TumblingProcessingTimeWindows } from './tumbling-windows.ts';
import type { WatermarkStrategy } from './watermark-strategy.ts';
import { allRecordsWindow, autoWatermarkIntervalMs, countWindowSize } from './window-draft.ts';

export interface AsyncMapOptions {
  /** Calls in flight at the same time in each subtask; 100 when missing. */
  readonly capacity?: number;
  /** A call that takes longer fails the job; 60 s when missing. */
  readonly timeout?: Duration;
  /** `false`: results leave as they come, but never overtake a watermark. `true` when missing. */
  readonly ordered?: boolean;
}

/**
 * A stream of records of type `T`. Methods draw the job and return the stream that follows; nothing runs yet. Records
 * belong to the stream: functions return new ones and do not change those they get, which state or another branch may
 * hold as well.
 */
export class DataStream<T> {
  declare protected readonly recordType: T;
  protected readonly builder: GraphBuilder;
  protected readonly edges: readonly StreamEdge[];

  constructor(builder: GraphBuilder, edges: readonly StreamEdge[]) {
    this.builder = builder;
    this.edges = edges;
  }

  /**
   * One record for each record.
   *
   * ```ts
   * const amounts: DataStream<number> = orders.map((order) => order.amount);
   * ```
   */
  map<Out>(fn: MapFunction<T, Immediate<Out, 'map'>>): SingleOutputStreamOperator<Out> {
    return this.transform(new MapBehavior(fn as MapFunction<T, Out>));
  }

  /**
   * Keeps the records for which the function is true; a type guard narrows the type.
   *
   * ```ts
   * const large = orders.filter((order) => order.amount > 1000);
   * ```
   */
  filter<S extends T>(fn: (value: T) => value is S): SingleOutputStreamOperator<S>;
  filter(fn: FilterFunction<T>): SingleOutputStreamOperator<T>;
  filter(fn: FilterFunction<T>): SingleOutputStreamOperator<T> {
    return this.transform(new FilterBehavior(fn));
  }

  /**
   * Any number of records for each record: whatever the function returns, an array or another iterable.
   *
   * ```ts
   * const words = env.fromElements('to be', 'or not').flatMap((line) => line.split(' '));
   * ```
   */
  flatMap<Out>(fn: FlatMapFunction<T, Out>): SingleOutputStreamOperator<Out> {
    return this.transform(new FlatMapBehavior(fn));
  }

  /**
   * One record for each record, by a function that returns a promise, such as a lookup in a database. A bounded number
   * is in flight; a restore asks again for those that were. A rejected promise fails the job.
   *
   * ```ts
   * declare function priceOf(product: string): Promise<number>;
   * const priced = orders.asyncMap(async (order) => ({ ...order, price: await priceOf(order.product) }), {
   *   capacity: 20,
   *   timeout: '10s',
   *   ordered: false,
   * });
   * ```
   */
  asyncMap<Out>(fn: AsyncMapFunction<T, Out>, options: AsyncMapOptions = {}): SingleOutputStreamOperator<Out> {
    const capacity = options.capacity ?? 100;
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new MillraceError('BAD_JOB', `the capacity of asyncMap is ${capacity}; allowed: a whole number from 1 on`);
    }
    return this.transform(
      new AsyncMapBehavior(fn, {
        capacity,
        timeoutMs: parseDuration(options.timeout ?? '60s', 'the timeout of asyncMap'),
        ordered: options.ordered ?? true,
      }),
    );
  }

  /**
   * The general operator: any number of records out, to the main output and to side outputs. State and timers need a
   * keyed stream. `Out` has to be said where the function is an arrow function.
   *
   * ```ts
   * const refused = new OutputTag<Order>('refused');
   * const accepted = orders.process<Order>((order, ctx, out) => {
   *   if (order.amount < 0) {
   *     ctx.output(refused, order);
   *   } else {
   *     out.collect(order);
   *   }
   * });
   * accepted.sideOutput(refused).print();
   * ```
   */
  process<Out = Unstated>(fn: ProcessFunction<T, Out>): SingleOutputStreamOperator<Out> {
    return this.transform(new ProcessBehavior(fn));
  }

  /**
   * Brings all records of a key to the same subtask, where state is kept for each key. A key is the name of a field or a
   * function of the record; keys are equal when their content is, for arrays and plain objects too.
   *
   * ```ts
   * const byCustomer: KeyedStream<Order, string> = orders.keyBy('customer');
   * const byProductAndSize = orders.keyBy((order) => [order.product, order.amount > 1000]);
   * ```
   */
  keyBy<const S extends FieldNames<T>[keyof T & string] | ((value: T) => unknown)>(
    key: CheckedKey<T, S>,
  ): KeyedStream<T, KeyOf<T, S>> {
    const selector = keySelector<T, KeyOf<T, S>>(key as string | ((value: T) => KeyOf<T, S>));
    return this.builder.streams.keyed(this.builder, this.partitioned(hashBy(selector.keyOf)), selector);
  }

  /** All records of this stream and the others, in no particular order. */
  union<S extends readonly DataStream<unknown>[]>(...others: S): DataStream<T | RecordOf<S[number]>> {
    for (const other of others) {
      if (other.builder !== this.builder) {
        throw new MillraceError(
          'BAD_JOB',
          `job '${this.builder.jobName}' unites a stream with one of another job or another run of the builder`,
        );
      }
    }
    const streams: readonly DataStream<unknown>[] = [this as DataStream<unknown>, ...others];
    return this.builder.streams.stream(
      this.builder,
      streams.flatMap((stream) => stream.edges),
    );
  }

  /** To the subtask of the same index; both operators need the same parallelism. */
  forward(): DataStream<T> {
    return this.#repartition({ kind: 'forward' });
  }

  /** Evenly over all subtasks, in turn. */
  rebalance(): DataStream<T> {
    return this.#repartition({ kind: 'rebalance' });
  }

  /** Evenly over a share of the subtasks: cheaper than `rebalance`, even where each subtask emits about as much. */
  rescale(): DataStream<T> {
    return this.#repartition({ kind: 'rescale' });
  }

  /** Each record to every subtask. */
  broadcast(): DataStream<T> {
    return this.#repartition({ kind: 'broadcast' });
  }

  /** All records to the first subtask. */
  global(): DataStream<T> {
    return this.#repartition({ kind: 'global' });
  }

  /**
   * To the subtask that `partition` says for a record's key: an integer from 0 to `channels - 1`.
   *
   * ```ts
   * orders.partitionCustom((customer, channels) => customer.length % channels, 'customer').print();
   * ```
   */
  partitionCustom<const S extends FieldNames<T>[keyof T & string] | ((value: T) => unknown)>(
    partition: (key: KeyOf<T, S>, channels: number) => number,
    key: CheckedKey<T, S>,
  ): DataStream<T> {
    return this.#repartition({
      kind: 'custom',
      keyOf: keySelector<unknown, unknown>(key as string | ((value: unknown) => unknown)).keyOf,
      partition: partition as (key: unknown, channels: number) => number,
    });
  }

  /**
   * Gives records their timestamps and makes event time advance. The assigner may be given here, where its argument's
   * type is known.
   *
   * ```ts
   * orders.assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps(), (order) => order.time);
   * ```
   */
  assignTimestampsAndWatermarks(
    strategy: WatermarkStrategy<T>,
    timestampOf?: TimestampAssigner<T>,
  ): SingleOutputStreamOperator<T> {
    const options = timestampOf === undefined ? strategy.options : { ...strategy.options, timestampOf };
    return this.transform(new WatermarkBehavior(options, () => autoWatermarkIntervalMs(this.builder)));
  }

  /**
   * Windows of `size` records of the whole stream, which therefore goes through one subtask. A window that is not full
   * when the input ends does not fire.
   *
   * ```ts
   * env.fromElements(1, 2, 3, 4).countWindowAll(2).sum().print(); // 3 and 7
   * ```
   */
  countWindowAll(size: number): AllWindowedStream<T, CountWindow> {
    return this.builder.streams.allWindowed(
      allRecordsWindow(this.builder, this.edges, { kind: 'count', size: countWindowSize(size) }),
    );
  }

  /** Windows in time of the whole stream, which therefore goes through one subtask. */
  windowAll<W extends TumblingEventTimeWindows | TumblingProcessingTimeWindows>(windows: W): AllWindowedBy<W, T> {
    const draft = allRecordsWindow(this.builder, this.edges, { kind: 'time', windows: windows.windows });
    const windowed =
      windows instanceof TumblingEventTimeWindows
        ? this.builder.streams.eventTimeAllWindowed<T>(draft)
        : this.builder.streams.allWindowed<T, TimeWindow>(draft);
    return windowed as AllWindowedBy<W, T>;
  }

  /** Ends the stream in a sink, which has to take what the stream has. */
  to<In>(sink: [T] extends [In] ? Sink<In> : WrongSink<T, In>): DataStreamSink<T> {
    const { name, kind, behavior, parallelism } = sink as Sink<In>;
    const node = this.builder.add({
      kind: 'sink',
      operator: kind,
      behavior: sinkOperatorBehavior(behavior),
      inputs: this.edges,
      stateful: true,
      name,
      parallelism,
      sink: { bearsRepeats: behavior.bearsRepeats },
    });
    return this.builder.streams.sink(this.builder, node);
  }

  /** Shows each record as a line on the terminal of whoever runs the job, `prefix` in front. */
  print(prefix?: string): DataStreamSink<T> {
    return this.to<unknown>(print(prefix));
  }

  /** Hands the records to whoever runs the job, each exactly once, under a name. */
  collect(name: string): DataStreamSink<T> {
    return this.to<T>(collect<T>(name));
  }

  /** Drops the records, for measuring. */
  blackhole(): DataStreamSink<T> {
    return this.to<unknown>(blackhole());
  }

  protected transform<Out>(behavior: OperatorBehavior & { readonly kind: string }): SingleOutputStreamOperator<Out> {
    const node = this.builder.add({
      kind: 'operator',
      operator: behavior.kind,
      behavior,
      inputs: this.edges,
      stateful: !STATELESS.has(behavior.kind) || hasFunctionObject(behavior),
    });
    return this.builder.streams.output(this.builder, node);
  }

  protected partitioned(partitioning: Partitioning): readonly StreamEdge[] {
    return this.edges.map((edge) => ({ ...edge, partitioning }));
  }

  #repartition(partitioning: Partitioning): DataStream<T> {
    return this.builder.streams.stream(this.builder, this.partitioned(partitioning));
  }
}

const STATELESS: ReadonlySet<string> = new Set(['map', 'filter', 'flatMap', 'process']);

const hashBy = (keyOf: (value: never) => unknown): Partitioning => ({
  kind: 'hash',
  keyOf: keyOf as (value: unknown) => unknown,
});

/** Only windows in event time know late records. */
export type AllWindowedBy<W, T> = W extends TumblingEventTimeWindows
  ? EventTimeAllWindowedStream<T>
  : AllWindowedStream<T, TimeWindow>;

/** The type of the records of a stream. */
export type RecordOf<S> = S extends DataStream<infer T> ? T : never;

/** What the compiler shows where a sink takes other records than the stream has. */
export interface WrongSink<T, In> {
  readonly mistake: 'this sink takes other records than the stream has';
  readonly recordsOfTheStream: T;
  readonly recordsOfTheSink: In;
}

/** The output of one operator, whose name, `uid` and parallelism can be set. */
export class SingleOutputStreamOperator<T> extends DataStream<T> {
  readonly #node: StreamNode;

  constructor(builder: GraphBuilder, node: StreamNode) {
    super(builder, [{ from: node, partitioning: undefined }]);
    this.#node = node;
  }

  /** For logs, metrics and messages; state does not depend on it. */
  name(name: string): this {
    this.builder.setName(this.#node, name);
    return this;
  }

  /** The name that the operator's state is found by after a change of the job; unique in the job. */
  uid(uid: string): this {
    this.builder.setUid(this.#node, uid);
    return this;
  }

  /** How many subtasks the operator has; the job's when not set. */
  setParallelism(parallelism: number): this {
    this.builder.setParallelism(this.#node, parallelism);
    return this;
  }

  /** Number of key groups, and so the highest parallelism ever; fixed once there is state. */
  setMaxParallelism(maxParallelism: number): this {
    this.builder.setMaxParallelism(this.#node, maxParallelism);
    return this;
  }

  /** Runs the operator in another task than what comes before it. */
  startNewChain(): this {
    this.builder.disableChaining(this.#node, { before: true, after: false });
    return this;
  }

  /** Runs the operator in a task of its own. */
  disableChaining(): this {
    this.builder.disableChaining(this.#node, { before: true, after: true });
    return this;
  }

  /** Operators of different groups never share a slot. Inherited from the inputs; `default` at the source. */
  slotSharingGroup(group: string): this {
    this.builder.setSlotSharingGroup(this.#node, group);
    return this;
  }

  /** What the operator emitted to this tag. */
  sideOutput<S>(tag: OutputTag<S>): DataStream<S> {
    return this.builder.streams.stream(this.builder, [
      { from: this.#node, sideOutput: tag.name, partitioning: undefined },
    ]);
  }
}
