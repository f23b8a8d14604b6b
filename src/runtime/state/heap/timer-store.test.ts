import { expect, test } from 'vitest';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { KeyedTimers } from '../keyed-state.ts';
import { MemoryStateStorage } from '../memory-state-storage.ts';
import { HeapKeyedBackend } from './heap-keyed-backend.ts';

const backendOf = (): HeapKeyedBackend =>
  new HeapKeyedBackend({ operatorName: 'op', maxParallelism: 16, keyGroupStart: 0, keyGroupEnd: 15, backendId: 'b' });
const drain = (timers: KeyedTimers, timeMs: number): unknown[] => {
  const fired: unknown[] = [];
  for (let timer = timers.poll(timeMs); timer !== undefined; timer = timers.poll(timeMs)) {
    fired.push([timer.timeMs, timer.key]);
  }
  return fired;
};

test('timers fire once, by time, then in the order of registration', () => {
  const timers = backendOf().timers('t');
  expect(timers.nextTimeMs).toBe(Infinity);
  for (const [key, timeMs] of [
    ['b', 20],
    ['a', 20],
    ['c', 10],
    ['b', 20],
    ['a', 30],
  ] as const) {
    timers.register(key, timeMs);
  }
  timers.register('gone', 5);
  timers.delete('gone', 5);
  timers.delete('c', 11);
  expect([timers.size, timers.nextTimeMs]).toEqual([4, 10]);
  expect(timers.poll(9)).toBeUndefined();
  expect(drain(timers, 20)).toEqual([
    [10, 'c'],
    [20, 'b'],
    [20, 'a'],
  ]);
  expect([timers.size, timers.nextTimeMs]).toEqual([1, 30]);
});

test('a timer that was deleted and registered again is the last of its time', () => {
  const timers = backendOf().timers('t');
  for (const key of [1, 2, 3]) {
    timers.register(key, 5);
  }
  timers.delete(1, 5);
  timers.register(1, 5);
  expect(timers.poll(5)).toEqual({ key: 2, timeMs: 5 });
  timers.register(4, 4);
  timers.register(2, 5);
  expect(drain(timers, 5)).toEqual([
    [4, 4],
    [5, 3],
    [5, 1],
    [5, 2],
  ]);
});

test('many timers, of one time or of many, keep their order over a restore', async () => {
  const random = seededRandom(11);
  const backend = backendOf();
  const times = [() => 1000, () => random.int(1_000_000), () => -random.int(100) * 1000];
  const expected: [number, string][][] = [];
  for (const [index, time] of times.entries()) {
    const timers = backend.timers(`timers ${index}`);
    const all: [number, string][] = [];
    for (let i = 0; i < 20_000; i++) {
      const timeMs = time();
      timers.register(`key ${i}`, timeMs);
      if (i % 5 === 0) {
        timers.delete(`key ${i}`, timeMs);
      } else {
        all.push([timeMs, `key ${i}`]);
      }
    }
    expected.push(all.sort(([a], [b]) => a - b));
  }
  const storage = new MemoryStateStorage();
  const handle = await backend.snapshot({ checkpointId: 1 }).write(storage, () => Promise.resolve());
  const copy = backendOf();
  await copy.restore([handle], storage, 1);
  for (const [index, all] of expected.entries()) {
    expect(drain(backend.timers(`timers ${index}`), Infinity)).toEqual(all);
    expect(drain(copy.timers(`timers ${index}`), Infinity)).toEqual(all);
    expect(copy.timers(`timers ${index}`).size).toBe(0);
  }
});

test('a time that is not a number is a mistake', () => {
  expect(() => backendOf().timers('t').register('k', NaN)).toThrow(/state 't' of operator 'op': the time of a timer/u);
});
