import { expect, test } from 'vitest';
import { LeaderAbsence } from './leader-absence.ts';

const OPTIONS = { absenceTimeoutMs: 5_000, registrationTimeoutMs: 1_000 };

test('a process that no leader has taken gives up after the registration timeout, once', () => {
  const it = new LeaderAbsence(OPTIONS, 10);
  expect(it.nextMs).toBe(1_010);
  expect(it.tick(1_009)).toEqual([]);
  expect(it.tick(1_010)).toEqual(['give-up']);
  expect(it.nextMs).toBe(Infinity);
  expect(it.tick(9_999)).toEqual([]);
});

test('one that was registered never gives up', () => {
  const it = new LeaderAbsence(OPTIONS, 0);
  expect(it.registered()).toEqual([]);
  expect(it.nextMs).toBe(Infinity);
  it.lost(500);
  expect(it.tick(1_000_000)).toEqual(['limit-alignments', 'cancel-tasks']);
  expect(it.nextMs).toBe(Infinity);
});

test('without a leader alignments are limited first, then tasks are cancelled, each once', () => {
  const it = new LeaderAbsence(OPTIONS, 0);
  it.registered();
  it.lost(1_000);
  expect(it.nextMs).toBe(1_100);
  expect(it.tick(1_100)).toEqual(['limit-alignments']);
  expect(it.tick(1_101)).toEqual([]);
  expect(it.nextMs).toBe(6_000);
  expect(it.tick(6_000)).toEqual(['cancel-tasks']);
});

test('a leader that comes in time changes nothing for the tasks; one that comes later lifts the limit', () => {
  const it = new LeaderAbsence(OPTIONS, 0);
  it.registered();
  it.lost(0);
  expect(it.registered()).toEqual([]);
  it.lost(200);
  it.lost(250);
  it.tick(300);
  expect(it.registered()).toEqual(['lift-limit']);
  expect(it.tick(10_000)).toEqual([]);
});

test('a timeout below the grace for alignments counts', () => {
  const it = new LeaderAbsence({ ...OPTIONS, absenceTimeoutMs: 50 }, 0);
  it.registered();
  it.lost(0);
  expect(it.nextMs).toBe(50);
  expect(it.tick(50)).toEqual(['limit-alignments', 'cancel-tasks']);
});
