import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';
import { MillraceError } from './errors.ts';

describe('parseDuration', () => {
  test.each([
    [250, 250],
    [0, 0],
    ['250', 250],
    ['100 ms', 100],
    ['5s', 5000],
    ['5 s', 5000],
    [' 5  sec ', 5000],
    ['1min', 60_000],
    ['2 m', 120_000],
    ['1h', 3_600_000],
    ['2 d', 172_800_000],
    ['1 day', 86_400_000],
    ['3 Hours', 10_800_000],
    ['1.5 s', 1500],
    ['500us', 0.5],
    ['700 µs', 0.7],
    ['10 nanos', 0.00001],
    ['10 milliseconds', 10],
  ])('%j is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', 'soon', '5 parsecs', '-5 s', '5 s 3', '1e3', 's', 'Infinity'])('%j is refused', (text) => {
    expect(() => parseDuration(text, '--timeout')).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: expect.stringContaining(`--timeout is "${text}"; allowed:`),
      }),
    );
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('the number %d is refused', (value) => {
    expect(() => parseDuration(value)).toThrow(MillraceError);
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0 ms'],
    [100, '100 ms'],
    [1500, '1500 ms'],
    [90_000, '90 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [172_800_000, '2 d'],
    [0.5, '0.5 ms'],
  ])('%d ms is %j', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is read back as the same number', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});
