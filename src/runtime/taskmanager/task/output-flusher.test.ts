import { expect, test } from 'vitest';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { OutputFlusher, type FlushedWriter } from './output-flusher.ts';

const start = (timeoutMs: number, channelCount: number) => {
  const clock = new ManualClock();
  const flushes: number[] = [];
  const writer: FlushedWriter & { bufferedSinceMs: number | undefined } = {
    bufferedSinceMs: undefined,
    channelCount,
    flush: () => {
      flushes.push(clock.monotonic());
      writer.bufferedSinceMs = undefined;
    },
  };
  const task = { isIdle: true };
  const flusher = new OutputFlusher(clock, timeoutMs, () => flusher.flush([writer], task.isIdle));
  const write = (): void => {
    writer.bufferedSinceMs ??= clock.monotonic();
    flusher.flush([writer], task.isIdle);
  };
  return { clock, flushes, task, write, beganMs: clock.monotonic() };
};

test('a busy task sends what is not full after the buffer timeout', () => {
  const { clock, flushes, task, write, beganMs } = start(100, 2);
  task.isIdle = false;
  write();
  clock.advanceBy(99);
  expect(flushes).toEqual([]);
  clock.advanceBy(1);
  expect(flushes).toEqual([beganMs + 100]);
});

test.each([
  [100, 2, 10],
  [100, 15, 75],
  [100, 50, 100],
  [3, 2, 3],
  [0, 2, 0],
])('an idle task with a timeout of %i ms and %i channels sends it after %i ms', (timeoutMs, channels, afterMs) => {
  const { clock, flushes, write, beganMs } = start(timeoutMs, channels);
  write();
  clock.advanceBy(1_000);
  expect(flushes).toEqual([beganMs + afterMs]);
});

test('a task that is busy again when the time comes waits on', () => {
  const { clock, flushes, task, write, beganMs } = start(100, 2);
  write();
  task.isIdle = false;
  clock.advanceBy(1_000);
  expect(flushes).toEqual([beganMs + 100]);
});

test('without a timeout only full batches are sent', () => {
  const { clock, flushes, write } = start(-1, 2);
  write();
  clock.advanceBy(10_000);
  expect(flushes).toEqual([]);
});
