import type { AggregateFunction } from '../../runtime/state/keyed-state.ts';
import { checkNumeric, isBetter, type Extremum } from './extremum-state.ts';
import type { NumericField } from './numeric-field.ts';
import { addToSum, sumOf, type SumPlace, type SumState } from './sum-state.ts';

/** How a window that keeps no records folds them. Accumulators are replaced, never changed in place. */
export interface WindowFold<In, Acc, Result> {
  first(value: In): Acc;
  add(accumulator: Acc, value: In): Acc;
  result(accumulator: Acc): Result;
}

/** Makes the fold of one operator; messages name it. */
export type WindowFoldFactory<In, Acc, Result> = (operatorName: string) => WindowFold<In, Acc, Result>;

export const reduceFold =
  <T>(fn: (a: T, b: T) => T): WindowFoldFactory<T, T, T> =>
  () => ({ first: (value) => value, add: fn, result: (accumulator) => accumulator });

export const aggregateFold =
  <In, Acc, Result>(fn: AggregateFunction<In, Acc, Result>): WindowFoldFactory<In, Acc, Result> =>
  () => ({
    first: (value) => fn.add(value, fn.createAccumulator()),
    add: (accumulator, value) => fn.add(value, accumulator),
    result: (accumulator) => fn.getResult(accumulator),
  });

export const countFold = (): WindowFold<unknown, number, number> => ({
  first: () => 1,
  add: (count) => count + 1,
  result: (count) => count,
});

/** The newest record of the window and what its field is replaced by. */
interface RecordAnd<Value> {
  readonly record: unknown;
  readonly value: Value;
}

const plainSumFold: WindowFoldFactory<unknown, SumState, unknown> = (operatorName) => {
  const place: SumPlace = { operatorName, field: undefined };
  return {
    first: (value) => addToSum(undefined, value, place),
    add: (sum, value) => addToSum(sum, value, place),
    result: sumOf,
  };
};

const recordSumFold =
  (field: NumericField): WindowFoldFactory<unknown, RecordAnd<SumState>, unknown> =>
  (operatorName) => {
    const place: SumPlace = { operatorName, field: field.field };
    return {
      first: (record) => ({ record, value: addToSum(undefined, field.read(record), place) }),
      add: (sum, record) => ({ record, value: addToSum(sum.value, field.read(record), place) }),
      result: (sum) => field.replace(sum.record, sumOf(sum.value)),
    };
  };

export const sumFold = (field: NumericField): WindowFoldFactory<unknown, unknown, unknown> =>
  field.field === undefined ? plainSumFold : recordSumFold(field);

export const extremumFold =
  (extremum: Extremum, field: NumericField): WindowFoldFactory<unknown, RecordAnd<number | bigint>, unknown> =>
  (operatorName) => {
    const read = (record: unknown): number | bigint =>
      checkNumeric(extremum, field.read(record), operatorName, field.field);
    return {
      first: (record) => ({ record, value: read(record) }),
      add: (best, record) => {
        const value = read(record);
        return { record, value: isBetter(extremum, value, best.value) ? value : best.value };
      },
      result: (best) => field.replace(best.record, best.value),
    };
  };
