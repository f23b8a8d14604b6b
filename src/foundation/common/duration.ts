import { MillraceError } from './errors.ts';

/** What a duration may be in code: milliseconds, or a number with a unit, such as `'5 s'` or `'1min'`. */
export type Duration = number | `${number}${'' | ' '}${DurationUnit}`;

type DurationUnit =
  | 'ns'
  | 'us'
  | 'ms'
  | 's'
  | 'sec'
  | 'second'
  | 'seconds'
  | 'm'
  | 'min'
  | 'minute'
  | 'minutes'
  | 'h'
  | 'hour'
  | 'hours'
  | 'd'
  | 'day'
  | 'days';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Flink's unit labels; those with a plural take an `s`. */
const UNITS: readonly { readonly ms: number; readonly labels: readonly string[]; readonly words: readonly string[] }[] =
  [
    { ms: DAY_MS, labels: ['d'], words: ['day'] },
    { ms: HOUR_MS, labels: ['h'], words: ['hour'] },
    { ms: MINUTE_MS, labels: ['min', 'm'], words: ['minute'] },
    { ms: SECOND_MS, labels: ['s'], words: ['sec', 'second'] },
    { ms: 1, labels: ['ms'], words: ['milli', 'millisecond'] },
    { ms: 1e-3, labels: ['us', 'µs', 'μs'], words: ['micro', 'microsecond'] },
    { ms: 1e-6, labels: ['ns'], words: ['nano', 'nanosecond'] },
  ];

const MS_BY_LABEL: ReadonlyMap<string, number> = new Map(
  UNITS.flatMap(({ ms, labels, words }) =>
    [...labels, ...words, ...words.map((word) => `${word}s`)].map((label) => [label, ms] as const),
  ),
);

/** What `parseDuration` takes, for messages. */
export const DURATION_SYNTAX =
  'a number of milliseconds or a number with a unit: ms, s, min, h, d (such as 100 ms, 5 s, 1min, 1h)';

/**
 * Milliseconds. `what` names the value in the error, such as `--timeout` or `every`.
 *
 * Errors: BAD_OPTION when the text is no duration, or negative.
 */
export const parseDuration = (value: number | string, what = 'the duration'): number => {
  const ms = typeof value === 'number' ? value : millisecondsOf(value);
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) {
    const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
    throw new MillraceError('BAD_OPTION', `${what} is ${shown}; allowed: ${DURATION_SYNTAX}`);
  }
  return ms;
};

const millisecondsOf = (text: string): number | undefined => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([\p{L}]*)\s*$/u.exec(text);
  if (match === null) {
    return undefined;
  }
  const label = (match[2] ?? '').toLowerCase();
  const unitMs = label === '' ? 1 : MS_BY_LABEL.get(label);
  return unitMs === undefined ? undefined : scaled(Number(match[1]), unitMs);
};

/** `count * unit`, divided where the unit is a fraction: 700 us are 0.7 ms, not 0.7000000000000001. */
const scaled = (count: number, unitMs: number): number =>
  unitMs >= 1 ? count * unitMs : count / Math.round(1 / unitMs);

/** The shortest exact text, in the largest unit that divides it: `1500 ms`, `90 s`, `1 h`. `parseDuration` reads it. */
export const formatDuration = (ms: number): string => {
  if (ms === 0 || !Number.isInteger(ms)) {
    return `${ms} ms`;
  }
  const unit = UNITS.find((candidate) => candidate.ms >= 1 && ms % candidate.ms === 0);
  return unit === undefined ? `${ms} ms` : `${ms / unit.ms} ${unit.labels[0]}`;
};
