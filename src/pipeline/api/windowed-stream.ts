import { parseDuration, type Duration } from '../../foundation/common/duration.ts';
import type { AggregateFunction } from '../../runtime/state/keyed-state.ts';
import type { OutputTag } from '../operators/output-tag.ts';
import type { ReduceFunction } from '../operators/reduce-operator.ts';
import type { TimeWindow } from '../operators/time-window.ts';
import type { SingleOutputStreamOperator } from './data-stream.ts';
import type { ComparableField, FieldNames, NumericArgument } from './field-types.ts';
import { drawWindow, type WindowDraft } from './window-draft.ts';
import {
  aggregating,
  buffering,
  counting,
  findingExtremum,
  findingRecord,
  reducing,
  summing,
} from './window-functions.ts';

/** Turns the result of a window into a record that says which key and window it belongs to. */
export type WindowResultFunction<K, W, Result, Out> = (key: K, window: W, result: Result) => Out;

/** Gets all records of a window, in the order they came, and returns any number of results. */
export type ProcessWindowFunction<K, W, T, Out> = (key: K, window: W, elements: readonly T[]) => Iterable<Out>;

/** How many records a window of a key has. */
export interface WindowCount<K, W> {
  readonly key: K;
  readonly window: W;
  readonly count: number;
}

type EmitResult<K, W> = (key: K, window: W, result: never, emit: (value: unknown) => void) => void;

const withWindow = <K, W, Result, Out>(
  fn: WindowResultFunction<K, W, Result, Out> | undefined,
): EmitResult<K, W> | undefined =>
  fn === undefined ? undefined : (key, window, result, emit) => emit(fn(key, window, result));

/**
 * Records of a key, window by window. Each window gives one result, with the window's last millisecond as timestamp
 * (count windows: the timestamp of their last record).
 */
export class WindowedStream<T, K, W> {
  declare protected readonly recordType: T;
  protected readonly draft: WindowDraft;

  constructor(draft: WindowDraft) {
    this.draft = draft;
  }

  /** Combines the records of the window two by two; a window function may add key and window. */
  reduce(fn: ReduceFunction<T>): SingleOutputStreamOperator<T>;
  reduce<Out>(
    fn: ReduceFunction<T>,
    windowFunction: WindowResultFunction<K, W, T, Out>,
  ): SingleOutputStreamOperator<Out>;
  reduce<Out>(
    fn: ReduceFunction<T>,
    windowFunction?: WindowResultFunction<K, W, T, Out>,
  ): SingleOutputStreamOperator<Out> {
    return drawWindow(this.draft, reducing(fn, withWindow(windowFunction)));
  }

  /** The last record of the window, the field replaced by the sum; of plain numbers the sum. See `KeyedStream.sum`. */
  sum<F extends FieldNames<T>[keyof T & string]>(
    ...field: NumericArgument<T, F, 'sum'>
  ): SingleOutputStreamOperator<T> {
    return drawWindow(this.draft, summing(field[0]));
  }

  /** The last record of the window, the field replaced by the smallest value; of plain numbers the smallest. */
  min<F extends FieldNames<T>[keyof T & string]>(
    ...field: NumericArgument<T, F, 'min'>
  ): SingleOutputStreamOperator<T> {
    return drawWindow(this.draft, findingExtremum('min', field[0]));
  }

  /** The last record of the window, the field replaced by the largest value; of plain numbers the largest. */
  max<F extends FieldNames<T>[keyof T & string]>(
    ...field: NumericArgument<T, F, 'max'>
  ): SingleOutputStreamOperator<T> {
    return drawWindow(this.draft, findingExtremum('max', field[0]));
  }

  /** The record with the smallest value of the field; of equal ones the first. */
  minBy<F extends FieldNames<T>[keyof T & string]>(
    field: ComparableField<T, F, 'minBy'>,
  ): SingleOutputStreamOperator<T> {
    return drawWindow(this.draft, findingRecord('min', field));
  }

  /** The record with the largest value of the field; of equal ones the first. */
  maxBy<F extends FieldNames<T>[keyof T & string]>(
    field: ComparableField<T, F, 'maxBy'>,
  ): SingleOutputStreamOperator<T> {
    return drawWindow(this.draft, findingRecord('max', field));
  }

  /** How many records the window has, with its key. */
  count(): SingleOutputStreamOperator<WindowCount<K, W>> {
    return drawWindow(
      this.draft,
      counting((key, window, count, emit) => emit({ key, window, count })),
    );
  }

  /**
   * Folds the records of the window into an accumulator; a window function may add key and window.
   *
   * ```ts
   * declare const average: AggregateFunction<Order, { sum: number; count: number }, number>;
   * orders
   *   .keyBy('customer')
   *   .window(TumblingEventTimeWindows.of('1min'))
   *   .aggregate(average, (customer, window, mean) => ({ customer, minute: window.start, mean }))
   *   .print();
   * ```
   */
  aggregate<Acc, Result>(fn: AggregateFunction<T, Acc, Result>): SingleOutputStreamOperator<Result>;
  aggregate<Acc, Result, Out>(
    fn: AggregateFunction<T, Acc, Result>,
    windowFunction: WindowResultFunction<K, W, Result, Out>,
  ): SingleOutputStreamOperator<Out>;
  aggregate<Acc, Result, Out>(
    fn: AggregateFunction<T, Acc, Result>,
    windowFunction?: WindowResultFunction<K, W, Result, Out>,
  ): SingleOutputStreamOperator<Out> {
    return drawWindow(this.draft, aggregating(fn, withWindow(windowFunction)));
  }

  /**
   * Keeps all records of the window and gives them to the function at its end; `reduce` and `aggregate` need less state.
   *
   * ```ts
   * orders
   *   .keyBy('customer')
   *   .countWindow(3)
   *   .process((customer, _window, three) => [{ customer, products: three.map((order) => order.product) }])
   *   .print();
   * ```
   */
  process<Out>(fn: ProcessWindowFunction<K, W, T, Out>): SingleOutputStreamOperator<Out> {
    return drawWindow(
      this.draft,
      buffering((key: K, window: W, elements: readonly T[], emit) => {
        for (const result of fn(key, window, elements)) {
          emit(result);
        }
      }),
    );
  }
}

/** Windows by the timestamps of records, which may come late. */
export class EventTimeWindowedStream<T, K> extends WindowedStream<T, K, TimeWindow> {
  /**
   * How long after its end (in event time) a window still takes records; each of them fires the window again, with all
   * its records. 0 when not set.
   */
  allowedLateness(lateness: Duration): EventTimeWindowedStream<T, K> {
    const allowedLatenessMs = parseDuration(lateness, 'the allowed lateness');
    return new EventTimeWindowedStream({ ...this.draft, late: { ...this.draft.late, allowedLatenessMs } });
  }

  /** Records that are too late for their window go here instead of being dropped; read it from the windows' result. */
  sideOutputLateData(tag: OutputTag<T>): EventTimeWindowedStream<T, K> {
    return new EventTimeWindowedStream({ ...this.draft, late: { ...this.draft.late, lateOutput: tag.name } });
  }
}
