import type { AggregateFunction } from '../../runtime/state/keyed-state.ts';
import { numericField } from '../operators/numeric-field.ts';
import { extremeRecord, type ReduceFunction } from '../operators/reduce-operator.ts';
import type { WindowFunction } from '../operators/window-contents.ts';
import { aggregateFold, countFold, extremumFold, reduceFold, sumFold } from '../operators/window-fold.ts';

/** What the keyed and the unkeyed windows share: each method of theirs is one of these, drawn. */
type AnyWindowFunction = WindowFunction<never, never>;
type AnyEmit = (key: never, window: never, content: never, emit: (value: unknown) => void) => void;
type Emit = AnyEmit | undefined;

const folded = (fold: unknown, emit?: Emit, functionObject?: object): AnyWindowFunction =>
  ({ kind: 'fold', fold, emit, functionObject }) as AnyWindowFunction;

export const reducing = <T>(fn: ReduceFunction<T>, emit: Emit): AnyWindowFunction =>
  typeof fn === 'function' ? folded(reduceFold(fn), emit) : folded(reduceFold(fn.reduce.bind(fn)), emit, fn);

export const aggregating = <In, Acc, Result>(fn: AggregateFunction<In, Acc, Result>, emit: Emit): AnyWindowFunction =>
  folded(aggregateFold(fn), emit, fn);

export const summing = (field: string | undefined): AnyWindowFunction => folded(sumFold(numericField(field)));

export const findingExtremum = (extremum: 'min' | 'max', field: string | undefined): AnyWindowFunction =>
  folded(extremumFold(extremum, numericField(field)));

export const findingRecord = (extremum: 'min' | 'max', field: string): AnyWindowFunction =>
  folded(reduceFold(extremeRecord(extremum, field)));

export const counting = (emit: Emit): AnyWindowFunction => folded(countFold, emit);

/** Keeps the records of a window and gives them all to the function. */
export const buffering = (emit: AnyEmit): AnyWindowFunction => ({ kind: 'buffer', emit }) as AnyWindowFunction;
