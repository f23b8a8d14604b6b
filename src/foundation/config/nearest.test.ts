import { describe, expect, test } from 'vitest';
import { editDistance, nearestOf } from './nearest.ts';

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['form', 'from', 1],
  ])('%j to %j is %d', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe('nearestOf', () => {
  const keys = ['execution.checkpointing.interval', 'execution.checkpointing.timeout', 'parallelism.default'];

  test.each([
    ['execution.checkpoint.interval', 'execution.checkpointing.interval'],
    ['Parallelism.Default', 'parallelism.default'],
    ['checkpointing.timeout', 'execution.checkpointing.timeout'],
    ['something.else.entirely', undefined],
  ])('%j is near %j', (name, nearest) => {
    expect(nearestOf(name, keys)).toBe(nearest);
  });
});
