import { expect, test } from 'vitest';
import { formatPorts, portsOf } from './port-list.ts';

test('ports are single ones and ranges', () => {
  expect(portsOf('0')).toEqual([0]);
  expect(portsOf('6000-6002, 7000')).toEqual([6000, 6001, 6002, 7000]);
  const wrong = ['', 'x', '6000-', '6002-6000', '65536', '0-5', '-1', '1,,2'];
  expect(wrong.filter((text) => portsOf(text) !== undefined)).toEqual([]);
});

test('they are written as they are read', () => {
  for (const text of ['0', '6000', '6000-6002,7000', '1,3']) {
    expect(formatPorts(portsOf(text)!)).toBe(text);
  }
});
