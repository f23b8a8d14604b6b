import { expect, test } from 'vitest';
import { ManualClock } from '../../testing/manual-clock.ts';
import { INTERVAL_MS, LimitedLog, LINES_AT_ONCE } from './limited-log.ts';
import { silentLogger } from './logger.ts';

const start = (): { clock: ManualClock; lines: string[]; log: LimitedLog } => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  return { clock, lines, log: new LimitedLog(logger, clock, 'the port') };
};

const flood = (log: LimitedLog, count: number): void => {
  for (let index = 0; index < count; index++) {
    log.warn(`line ${index}`);
  }
};

test('the first lines are all there, of the others one in a while and how many there were', () => {
  const { clock, lines, log } = start();
  flood(log, LINES_AT_ONCE + 500);
  expect(lines).toEqual(Array.from({ length: LINES_AT_ONCE }, (_, index) => `line ${index}`));
  clock.advanceBy(INTERVAL_MS);
  expect(lines.slice(LINES_AT_ONCE)).toEqual(['500 more such lines about the port were left out']);

  lines.length = 0;
  flood(log, 20);
  clock.advanceBy(INTERVAL_MS);
  expect(lines).toEqual(['line 0', '19 more such lines about the port were left out']);
});

test('a flood that goes on makes two lines in each interval', () => {
  const { clock, lines, log } = start();
  const intervals = 360;
  for (let ms = 0; ms < intervals * INTERVAL_MS; ms += 100) {
    log.warn('again');
    clock.advanceBy(100);
  }
  log.close();
  expect(lines.length).toBeLessThanOrEqual(LINES_AT_ONCE + 2 * intervals);
  const left = lines.flatMap((line) => /^(\d+) more/.exec(line)?.[1] ?? []);
  expect(left.reduce((sum, count) => sum + Number(count), 0) + (lines.length - left.length)).toBe(
    (intervals * INTERVAL_MS) / 100,
  );
});

test('after a quiet time all are there again; nothing waits when nothing was left out', () => {
  const { clock, lines, log } = start();
  flood(log, LINES_AT_ONCE);
  expect(clock.timerCount).toBe(0);
  clock.advanceBy(LINES_AT_ONCE * INTERVAL_MS);
  flood(log, LINES_AT_ONCE);
  expect(lines).toHaveLength(2 * LINES_AT_ONCE);
});

test('what was left out is said at the end, and no timer stays', () => {
  const { clock, lines, log } = start();
  flood(log, LINES_AT_ONCE + 3);
  log.close();
  expect([lines.at(-1), clock.timerCount]).toEqual(['3 more such lines about the port were left out', 0]);
  log.close();
  expect(lines).toHaveLength(LINES_AT_ONCE + 1);
});
