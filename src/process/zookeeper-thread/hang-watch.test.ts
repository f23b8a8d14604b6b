import { expect, test } from 'vitest';
import { ManualClock } from '../../testing/manual-clock.ts';
import { HangWatch, tickMsOf } from './hang-watch.ts';

const HANG_MS = 1_000;

const watched = () => {
  const clock = new ManualClock(5_000);
  const said: string[] = [];
  const other = { ticks: 0 };
  const watch = new HangWatch({
    ...{ clock, hangMs: HANG_MS, ticks: () => other.ticks },
    hung: () => said.push('hung'),
    alive: () => said.push('alive'),
  });
  /** Looks come as they should, or one comes late. */
  const pass = (durationMs: number, stepMs = 100): void => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      clock.advanceBy(stepMs);
      watch.look();
    }
  };
  return { said, other, watch, pass };
};

test('a thread hangs when it has not ticked for its time, and says so once', () => {
  const { said, other, pass } = watched();
  pass(900);
  expect(said).toEqual([]);
  other.ticks++;
  pass(1_000);
  expect(said).toEqual([]);
  pass(2_000);
  expect(said).toEqual(['hung']);
  other.ticks++;
  pass(100);
  expect(said).toEqual(['hung', 'alive']);
  pass(1_000);
  expect(said).toEqual(['hung', 'alive', 'hung']);
});

test('after a pause of the whole process the other thread has until the next look, once', () => {
  const { said, other, watch, pass } = watched();
  pass(5_000, 5_000);
  expect(said).toEqual([]);
  other.ticks++;
  pass(500);
  expect(said).toEqual([]);
  pass(5_000, 5_000);
  expect(said).toEqual([]);
  pass(100);
  expect([said, watch.isHung]).toEqual([['hung'], true]);
});

test('looks that always come late do not put it off for ever', () => {
  const { said, pass } = watched();
  pass(2 * HANG_MS, 600);
  expect(said).toEqual(['hung']);
});

test('a thread ticks several times in the time in which it hangs, and seldom enough', () => {
  expect([tickMsOf(100), tickMsOf(60_000), tickMsOf(5)]).toEqual([10, 500, 1]);
});
