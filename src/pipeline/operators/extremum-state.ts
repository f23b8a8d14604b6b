import { MillraceError } from '../../foundation/common/errors.ts';
import { describe } from './sum-state.ts';

export type Extremum = 'min' | 'max';

/** What has an order: numbers, bigints, strings and dates. */
export type Ordered = number | bigint | string | Date;

/** Whether `value` replaces `best`; of equal ones the first stays. NaN wins and stays, as with `Math.min`. */
export const isBetter = (extremum: Extremum, value: Ordered, best: Ordered): boolean =>
  (extremum === 'min' ? value < best : value > best) || (Number.isNaN(value) && !Number.isNaN(best));

/** @throws BAD_RECORD when the value is not a number or bigint. */
export const checkNumeric = (
  extremum: Extremum,
  value: unknown,
  operatorName: string,
  field: string | undefined,
): number | bigint => {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return value;
  }
  throw new MillraceError(
    'BAD_RECORD',
    `the ${extremum} of ${field === undefined ? '' : `field '${field}' of `}operator '${operatorName}' meets ` +
      `${describe(value)} where a number or bigint should be`,
  );
};
