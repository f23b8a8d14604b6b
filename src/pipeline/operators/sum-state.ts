import { MillraceError } from '../../foundation/common/errors.ts';

/** A sum in which a number was not an integer: a plain double, without a limit that matters. */
export interface DoubleSum {
  readonly double: number;
}

/** A running sum: a plain number as long as all inputs were integers, so that leaving ±2^53 can be told. */
export type SumState = number | bigint | DoubleSum;

/** For messages: who sums, and which field. */
export interface SumPlace {
  readonly operatorName: string;
  readonly field: string | undefined;
}

/**
 * @throws NUMBER_OVERFLOW when a sum of integers leaves ±2^53; BAD_RECORD when the value is no number or bigint, or is
 * of the other kind than the sum.
 */
export const addToSum = (sum: SumState | undefined, value: unknown, place: SumPlace): SumState => {
  if (typeof value === 'number' && (typeof sum === 'number' || sum === undefined)) {
    const result = (sum ?? 0) + value;
    if (Number.isSafeInteger(result)) {
      return result;
    }
    if (Number.isInteger(value)) {
      throw overflow(place);
    }
    return { double: result };
  }
  if (typeof value === 'bigint' && (typeof sum === 'bigint' || sum === undefined)) {
    return (sum ?? 0n) + value;
  }
  if (typeof value === 'number' && typeof sum === 'object') {
    return { double: sum.double + value };
  }
  throw notSummable(sum, value, place);
};

export const sumOf = (sum: SumState): number | bigint => (typeof sum === 'object' ? sum.double : sum);

const overflow = (place: SumPlace): MillraceError =>
  new MillraceError(
    'NUMBER_OVERFLOW',
    `${whatOf(place)} leaves ±2^53, where integers are no longer exact; sum bigints (BigInt(value)), or doubles with ` +
      'reduce((a, b) => a + b) where exactness does not matter',
  );

const notSummable = (sum: SumState | undefined, value: unknown, place: SumPlace): MillraceError => {
  const mixed = typeof value === 'bigint' || (typeof value === 'number' && typeof sum === 'bigint');
  return new MillraceError(
    'BAD_RECORD',
    mixed
      ? `${whatOf(place)} meets a ${typeof value} after values of the other kind; numbers and bigints do not add up`
      : `${whatOf(place)} meets ${describe(value)} where a number or bigint should be`,
  );
};

const whatOf = (place: SumPlace): string =>
  place.field === undefined
    ? `the sum of operator '${place.operatorName}'`
    : `the sum of field '${place.field}' of operator '${place.operatorName}'`;

export const describe = (value: unknown): string =>
  value === undefined || value === null ? String(value) : `a ${typeof value}`;
