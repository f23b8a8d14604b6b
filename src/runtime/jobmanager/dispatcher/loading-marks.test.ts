import { expect, test } from 'vitest';
import type { JobId } from '../../../foundation/common/ids.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { LoadingMarks } from './loading-marks.ts';

const job = (name: string): JobId => name as JobId;

const start = () => {
  const clock = new ManualClock();
  const marks = new LoadingMarks(clock);
  const removed: string[] = [];
  const done = (name: string): void => marks.done(job(name), () => removed.push(name));
  return { clock, marks, removed, done };
};

test('of a job that is loaded alone the mark goes at once (R13)', () => {
  const { marks, removed, done } = start();
  marks.loading(job('a'));
  done('a');
  expect(removed).toEqual(['a']);
});

test('of jobs that are loaded together all marks go with the last one', () => {
  const { marks, removed, done } = start();
  ['a', 'b', 'c'].forEach((name) => marks.loading(job(name)));
  done('b');
  done('a');
  expect(removed).toEqual([]);
  done('c');
  expect(removed).toEqual(['b', 'a', 'c']);
});

test('a job that takes long, or never comes, does not keep the marks of others', () => {
  const { clock, marks, removed, done } = start();
  ['slow', 'a', 'b'].forEach((name) => marks.loading(job(name)));
  done('a');
  clock.advanceBy(30);
  done('b');
  expect(removed).toEqual([]);
  clock.advanceBy(20);
  expect(removed).toEqual(['a', 'b']);
  done('slow');
  expect(removed).toEqual(['a', 'b', 'slow']);
  clock.advanceBy(1_000);
  expect(removed).toHaveLength(3);
});
