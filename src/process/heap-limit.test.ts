import { expect, test } from 'vitest';
import { Configuration } from '../foundation/config/configuration.ts';
import { jobManagerHeapOf } from './heap-limit.ts';

const MIB = 1_048_576;

const heapOf = (settings: Readonly<Record<string, string>>): number | undefined =>
  jobManagerHeapOf(Configuration.of(settings, '-D'));

test('a JobManager gets the heap that is named, or what is left of its process', () => {
  expect(heapOf({})).toBeUndefined();
  expect(heapOf({ 'jobmanager.memory.heap.size': '200mb' })).toBe(200 * MIB);
  expect(heapOf({ 'jobmanager.memory.process.size': '1600mb' })).toBe((1600 - 128 - 96) * MIB);
  expect(heapOf({ 'jobmanager.memory.process.size': '1gb', 'jobmanager.memory.off-heap.size': '64mb' })).toBe(
    (1024 - 64 - 96) * MIB,
  );
});

test('a total that is too small is an error, which names the least that would do', () => {
  expect(() => heapOf({ 'jobmanager.memory.process.size': '200mb' })).toThrow(
    'jobmanager.memory.process.size is 200 mb (-D), too little with jobmanager.memory.off-heap.size: 128 mb; allowed: 288 mb or more',
  );
  expect(heapOf({ 'jobmanager.memory.process.size': '288mb' })).toBe(64 * MIB);
  expect(() => heapOf({ 'jobmanager.memory.heap.size': '10mb' })).toThrow(/allowed: 64 mb or more/);
});
