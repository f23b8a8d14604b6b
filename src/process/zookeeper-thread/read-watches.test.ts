import { expect, test } from 'vitest';
import type { Watcher } from '../../coordination/zookeeper/client/zookeeper-client.ts';
import { ReadWatches } from './read-watches.ts';

const counted = () => {
  let numbers = 0;
  const ended: number[] = [];
  return {
    watches: new ReadWatches(
      () => ++numbers,
      (number) => ended.push(number),
    ),
    ended,
  };
};
const newWatcher = (): Watcher => () => {};

test('a watcher is forgotten when its event came, or its read failed', () => {
  const { watches, ended } = counted();
  const [a, b] = [newWatcher(), newWatcher()];
  const ofA = watches.begin(a, 'node', '/a');
  const ofB = watches.begin(b, 'node', '/a');
  watches.settled(ofA, true);
  watches.settled(ofB, false);
  expect([ended, watches.size]).toEqual([[2], 1]);
  expect([...watches.take([1])]).toEqual([a]);
  expect([ended, watches.size]).toEqual([[2, 1], 0]);
  expect([...watches.take([1])]).toEqual([]);
});

test('the same function has one number for a path and kind, however often it reads', () => {
  const { watches, ended } = counted();
  const watcher = newWatcher();
  for (let i = 0; i < 3; i++) {
    watches.settled(watches.begin(watcher, 'node', '/a'), true);
  }
  watches.settled(watches.begin(watcher, 'children', '/a'), true);
  expect(watches.size).toBe(2);
  expect([...watches.take([1, 2])]).toEqual([watcher]);
  expect([ended, watches.size]).toEqual([[1, 2], 0]);
  expect(watches.begin(watcher, 'node', '/a').number).toBe(3);
});

test('an event may come before the answer of the read that set its watch', () => {
  const { watches, ended } = counted();
  const watcher = newWatcher();
  const watch = watches.begin(watcher, 'node', '/a');
  expect([...watches.take([1])]).toEqual([watcher]);
  expect(ended).toEqual([]);
  watches.settled(watch, true);
  expect([ended, watches.size]).toEqual([[1], 0]);
});

test('an event of an earlier read leaves the watch of the one that is on its way', () => {
  const { watches, ended } = counted();
  const watcher = newWatcher();
  watches.settled(watches.begin(watcher, 'node', '/a'), true);
  const again = watches.begin(watcher, 'node', '/a');
  expect([...watches.take([1])]).toEqual([watcher]);
  watches.settled(again, true);
  expect(ended).toEqual([]);
  expect([...watches.take([1])]).toEqual([watcher]);
  expect(ended).toEqual([1]);
});
