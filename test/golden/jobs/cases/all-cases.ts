import { CONNECTOR_CASES } from './connector-cases.ts';
import { EVENT_TIME_CASES } from './event-time-cases.ts';
import type { GoldenCase } from './golden-case.ts';
import { RUNNING_CASES } from './running-cases.ts';
import { STATE_CASES } from './state-cases.ts';
import { STREAM_CASES } from './stream-cases.ts';
import { WINDOW_CASES } from './window-cases.ts';

export const GOLDEN_CASES: readonly GoldenCase[] = [
  ...RUNNING_CASES,
  ...STATE_CASES,
  ...WINDOW_CASES,
  ...EVENT_TIME_CASES,
  ...STREAM_CASES,
  ...CONNECTOR_CASES,
];

export const goldenCases = (names: readonly string[]): readonly GoldenCase[] =>
  names.map((name) => {
    const found = GOLDEN_CASES.find((each) => each.name === name);
    if (found === undefined) {
      throw new Error(`there is no golden case '${name}'`);
    }
    return found;
  });
