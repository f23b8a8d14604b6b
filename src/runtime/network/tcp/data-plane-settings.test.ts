import { expect, test } from 'vitest';
import { portsOfThread } from './data-plane-settings.ts';

test('each thread begins at another port, with the one that it had first', () => {
  expect(portsOfThread([1, 2, 3], 0)).toEqual([1, 2, 3]);
  expect(portsOfThread([1, 2, 3], 4)).toEqual([2, 3, 1]);
  expect(portsOfThread([0], 5, 4711)).toEqual([4711, 0]);
});
