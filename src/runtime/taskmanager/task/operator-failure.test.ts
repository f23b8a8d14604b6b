import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { attributeTo } from './operator-failure.ts';

describe('an error of an operator', () => {
  test.each([
    ["operator 'count': state 'n' is asked for as a list", "operator 'count': state 'n' is asked for as a list"],
    ['sink "count" could not commit t-1', 'sink "count" could not commit t-1'],
    ['a record of operator "count" cannot be sent', 'a record of operator "count" cannot be sent'],
    ['source "count" did not yield a pair', 'source "count" did not yield a pair'],
    ['disk full', "operator 'count' failed: disk full"],
    ["the field 'count' is no number", "operator 'count' failed: the field 'count' is no number"],
    ["operator 'counter' is closed", "operator 'count' failed: operator 'counter' is closed"],
  ])('names the operator once: %s', (message, expected) => {
    expect(attributeTo('count', new MillraceError('BAD_RECORD', message)).message).toBe(expected);
  });

  test("is named in front of whatever the user's code says", () => {
    expect(attributeTo('count', new Error("operator 'count' broke")).message).toBe(
      "operator 'count' failed: operator 'count' broke",
    );
  });

  test('keeps the name that it got first', () => {
    const inner = attributeTo('sum', new Error('no'));
    expect(attributeTo('map', inner)).toBe(inner);
  });
});
