import { expect, test } from 'vitest';
import { portsOf, portsOfThread } from './data-plane-settings.ts';

test('ports are single ones and ranges', () => {
  expect(portsOf('0')).toEqual([0]);
  expect(portsOf('6000-6002, 7000')).toEqual([6000, 6001, 6002, 7000]);
  const wrong = ['', 'x', '6000-', '6002-6000', '65536', '0-5', '-1', '1,,2'];
  expect(wrong.filter((text) => portsOf(text) !== undefined)).toEqual([]);
});

test('each thread begins at another port, with the one that it had first', () => {
  expect(portsOfThread([1, 2, 3], 0)).toEqual([1, 2, 3]);
  expect(portsOfThread([1, 2, 3], 4)).toEqual([2, 3, 1]);
  expect(portsOfThread([0], 5, 4711)).toEqual([4711, 0]);
});
