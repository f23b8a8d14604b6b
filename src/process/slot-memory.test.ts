import { describe, expect, test } from 'vitest';
import { parseMemorySize } from '../foundation/common/memory-size.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { slotMemoryOf } from './slot-memory.ts';

const MIB = 1_048_576;

const divide = (slots: number, settings: Readonly<Record<string, string>>) =>
  slotMemoryOf(Configuration.of(settings, '-D'), slots);

describe('the memory of a TaskManager', () => {
  test('is divided among its slots; nothing is given twice', () => {
    for (const [slots, size] of [
      [1, '256mb'],
      [2, '600mb'],
      [16, '8gb'],
    ] as const) {
      const { heapBytes, offHeapBytes, processBytes } = divide(slots, { 'taskmanager.memory.process.size': size });
      const total = parseMemorySize(size);
      expect(processBytes).toBeLessThan(total);
      expect(slots * (heapBytes + offHeapBytes)).toBeLessThan(total - 96 * MIB);
      expect(slots * (heapBytes + offHeapBytes)).toBeGreaterThan(total / 4);
      expect(heapBytes).toBeGreaterThanOrEqual(48 * MIB);
      expect(offHeapBytes).toBeGreaterThanOrEqual(16 * MIB);
    }
  });

  test('leaves to one part what the other one, which is set, does not take', () => {
    const process = { 'taskmanager.memory.process.size': '1gb' };
    const heap = divide(2, { ...process, 'taskmanager.memory.task.heap.size': '100mb' });
    expect([heap.heapBytes, heap.offHeapBytes > 250 * MIB]).toEqual([100 * MIB, true]);
    const offHeap = divide(2, { ...process, 'taskmanager.memory.task.off-heap.size': '32mb' });
    expect([offHeap.offHeapBytes, offHeap.heapBytes > 250 * MIB]).toEqual([32 * MIB, true]);
  });

  test('that is too small is an error, which names the least that would do; and that does', () => {
    const set = { 'taskmanager.memory.task.heap.size': '100mb' };
    const error =
      /^taskmanager\.memory\.process\.size is 300 mb \(-D\), too little for taskmanager\.numberOfTaskSlots: 2 with taskmanager\.memory\.task\.heap\.size: 100 mb for each; allowed: (?<least>\d+ mb) or more/;
    let message = '';
    try {
      divide(2, { 'taskmanager.memory.process.size': '300mb', ...set });
    } catch (thrown) {
      message = (thrown as Error).message;
    }
    expect(message).toMatch(error);
    const least = error.exec(message)!.groups!['least']!;
    const limits = divide(2, { 'taskmanager.memory.process.size': least, ...set });
    expect(limits.heapBytes).toBe(100 * MIB);
    expect(limits.offHeapBytes).toBeGreaterThanOrEqual(16 * MIB);
    expect(limits.offHeapBytes).toBeLessThan(17 * MIB);
    expect(() => divide(2, { 'taskmanager.memory.process.size': String(parseMemorySize(least) - 1), ...set })).toThrow(
      /too little/,
    );
  });
});
