import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { sameValue } from './same-value.ts';

const invalid = (): Date => new Date(Number.NaN);

test.each([
  ['alone', invalid(), invalid(), true],
  ['in a field', { a: [invalid()] }, { a: [invalid()] }, true],
  ['in a map', new Map([['k', invalid()]]), new Map([['k', invalid()]]), true],
  ['and a valid one', [invalid()], [new Date(0)], false],
  ['and NaN', [invalid()], [Number.NaN], false],
  ['beside what differs', [invalid(), 0], [invalid(), -0], false],
])('invalid dates: %s', (_, a, b, same) => {
  expect(sameValue(a, b)).toBe(same);
  expect(inspect(a)).not.toContain('1970');
});
