import { spawn } from 'node:child_process';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
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

test('the process has that heap, under its own number; threads with limits of their own keep them', async () => {
  const program = fileURLToPath(new URL('test-support/limited-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program, '200mb'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { pid, limit, workerLimit } = (await json(child.stdout)) as Record<'pid' | 'limit' | 'workerLimit', number>;
  expect(pid).toBe(child.pid);
  expect(limit).toBeLessThanOrEqual(200 * MIB);
  expect(limit).toBeGreaterThan(150 * MIB);
  expect(workerLimit).toBeGreaterThanOrEqual(500 * MIB);
});
