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

/** Turns the result of a window into a record that says which window it belongs to. */
export type AllWindowResultFunction<W, Result, Out> = (window: W, result: Result) => Out;

/** Gets all records of a window, in the order they came, and returns any number of results. */
export type ProcessAllWindowFunction<W, T, Out> = (window: W, elements: readonly T[]) => Iterable<Out>;

type EmitResult<W> = (key: unknown, window: W, result: never, emit: (value: unknown) => void) => void;

const withWindow = <W, Result, Out>(
  fn: AllWindowResultFunction<W, Result, Out> | undefined,
): EmitResult<W> | undefined =>
  fn === undefined ? undefined : (_key, window, result, emit) => emit(fn(window, result));

/** The whole stream, window by window, in one subtask; otherwise as `WindowedStream`. */
export class AllWindowedStream<T, W> {
  declare protected readonly recordType: T;
  protected readonly draft: WindowDraft;

  constructor(draft: WindowDraft) {
    this.draft = draft;
  }

  /** Combines the records of the window two by two; a window function may add the window. */
  reduce(fn: ReduceFunction<T>): SingleOutputStreamOperator<T>;
  reduce<Out>(
    fn: ReduceFunction<T>,
    windowFunction: AllWindowResultFunction<W, T, Out>,
  ): SingleOutputStreamOperator<Out>;
  reduce<Out>(
    fn: ReduceFunction<T>,
    windowFunction?: AllWindowResultFunction<W, T, Out>,
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

  /** How many records the window has. */
  count(): SingleOutputStreamOperator<number> {
    return drawWindow(this.draft, counting(undefined));
  }

  /** Folds the records of the window into an accumulator; a window function may add the window. */
  aggregate<Acc, Result>(fn: AggregateFunction<T, Acc, Result>): SingleOutputStreamOperator<Result>;
  aggregate<Acc, Result, Out>(
    fn: AggregateFunction<T, Acc, Result>,
    windowFunction: AllWindowResultFunction<W, Result, Out>,
  ): SingleOutputStreamOperator<Out>;
  aggregate<Acc, Result, Out>(
    fn: AggregateFunction<T, Acc, Result>,
    windowFunction?: AllWindowResultFunction<W, Result, Out>,
  ): SingleOutputStreamOperator<Out> {
    return drawWindow(this.draft, aggregating(fn, withWindow(windowFunction)));
  }

  /** Keeps all records of the window and gives them to the function at its end. */
  process<Out>(fn: ProcessAllWindowFunction<W, T, Out>): SingleOutputStreamOperator<Out> {
    return drawWindow(
      this.draft,
      buffering((_key: unknown, window: W, elements: readonly T[], emit) => {
        for (const result of fn(window, elements)) {
          emit(result);
        }
      }),
    );
  }
}

/** Windows by the timestamps of records, which may come late. */
export class EventTimeAllWindowedStream<T> extends AllWindowedStream<T, TimeWindow> {
  /** As `EventTimeWindowedStream.allowedLateness`. */
  allowedLateness(lateness: Duration): EventTimeAllWindowedStream<T> {
    const allowedLatenessMs = parseDuration(lateness, 'the allowed lateness');
    return new EventTimeAllWindowedStream({ ...this.draft, late: { ...this.draft.late, allowedLatenessMs } });
  }

  /** As `EventTimeWindowedStream.sideOutputLateData`. */
  sideOutputLateData(tag: OutputTag<T>): EventTimeAllWindowedStream<T> {
    return new EventTimeAllWindowedStream({ ...this.draft, late: { ...this.draft.late, lateOutput: tag.name } });
  }
}
