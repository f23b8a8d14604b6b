import { expect, test } from 'vitest';
import type { Clock } from '../../../foundation/common/clock.ts';
import { SilenceTimer } from './silence-timer.ts';

/** A clock whose timers may be late, as they are in a process that was paused. */
class LateClock implements Clock {
  nowMs = 0;
  #timer: { readonly atMs: number; readonly run: () => void } | undefined;

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.#timer = timer;
    return {
      cancel: () => {
        this.#timer = this.#timer === timer ? undefined : this.#timer;
      },
    };
  }

  /** Runs the timer, now or when it is due. */
  next(): void {
    const timer = this.#timer!;
    this.#timer = undefined;
    this.nowMs = Math.max(this.nowMs, timer.atMs);
    timer.run();
  }

  get isEmpty(): boolean {
    return this.#timer === undefined;
  }
}

const world = () => {
  const clock = new LateClock();
  const said: string[] = [];
  const timer = new SilenceTimer(clock, 3_000, {
    idle: () => {
      said.push(`idle at ${clock.nowMs}`);
      timer.said();
    },
    silent: () => said.push(`silent at ${clock.nowMs}`),
  });
  return { clock, said, timer };
};

test('a ping after a third, the end after two', () => {
  const { clock, said } = world();
  clock.next();
  clock.next();
  expect(said).toEqual(['idle at 1000', 'silent at 2000']);
  expect(clock.isEmpty).toBe(true);
});

test('what is heard counts from then, what is said saves the ping', () => {
  const { clock, said, timer } = world();
  clock.nowMs = 900;
  timer.heard();
  timer.said();
  clock.next();
  expect(said).toEqual([]);
  clock.next();
  expect(said).toEqual(['idle at 1900']);
  timer.stop();
  expect(clock.isEmpty).toBe(true);
});

test('after a pause of the own process there is a second look', () => {
  const { clock, said, timer } = world();
  clock.nowMs = 2_900;
  clock.next();
  expect(said).toEqual([]);
  // What had come meanwhile is read now.
  timer.heard();
  clock.next();
  expect(said).toEqual(['idle at 2910']);
});

test('it is the end all the same where nothing had come', () => {
  const { clock, said } = world();
  clock.nowMs = 2_900;
  clock.next();
  clock.next();
  expect(said).toEqual(['silent at 2910']);
});
