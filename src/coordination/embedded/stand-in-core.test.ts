import { beforeEach, expect, test } from 'vitest';
import { leaseOf } from './lease.ts';
import { StandInCore } from './stand-in-core.ts';

const LEASE = leaseOf(5_000);

let core: StandInCore;
let nowMs: number;
let ticks: number;
let answeredAtMs: number;
/** When it decided to renew. */
let renewals: number[];

beforeEach(() => {
  core = new StandInCore(LEASE);
  [nowMs, ticks, answeredAtMs, renewals] = [0, 0, 0, []];
});

interface Passing {
  /** Between two turns of the leader's event loop; `undefined`: there is none. */
  readonly turnMs?: number;
  readonly isAnswered?: boolean;
}

/** The leader's loop turns so often, until then; the stand-in looks, and each of its renewals is answered. */
const pass = (untilMs: number, { turnMs, isAnswered = false }: Passing = {}): void => {
  let turnAtMs = nowMs + (turnMs ?? Number.POSITIVE_INFINITY);
  for (; nowMs < untilMs; nowMs += 50) {
    if (nowMs >= turnAtMs) {
      ticks++;
      turnAtMs = nowMs + Math.max(turnMs ?? 0, LEASE.tickMs);
      answeredAtMs = isAnswered ? nowMs : answeredAtMs;
    }
    if (nowMs % LEASE.tickMs === 0 && core.look({ epoch: 1, ticks, answeredAtMs }, nowMs) === 'renew') {
      renewals.push(nowMs);
      core.renewed(nowMs);
    }
  }
};

test('a leader that writes is let alone', () => {
  pass(60_000, { turnMs: 10, isAnswered: true });
  expect(core.look({ epoch: 1, ticks, answeredAtMs }, nowMs)).toBe('rest');
  expect(renewals).toEqual([]);
});

test('a leader whose disk is slow or away is let alone: its thread is not held up', () => {
  pass(1_000, { turnMs: 10, isAnswered: true });
  pass(60_000, { turnMs: 10 });
  expect(core.look({ epoch: 1, ticks, answeredAtMs }, nowMs)).toBe('wait');
  pass(61_000, { turnMs: 60 });
  expect(renewals).toEqual([]);
});

test('a leader that is held up is stood in for, within its lease, until it hangs for good', () => {
  pass(10_000, { turnMs: 10, isAnswered: true });
  pass(60_000);
  expect(renewals).toEqual([12_000, 14_000, 16_000, 18_000]);
  expect(renewals[0]! - answeredAtMs).toBeLessThan(LEASE.durationMs - LEASE.marginMs);
});

test('a leader whose loop turns now and then does not get to writing, and is stood in for too', () => {
  pass(10_000, { turnMs: 10, isAnswered: true });
  pass(17_000, { turnMs: 1_500 });
  expect(renewals.length).toBeGreaterThan(1);
  // So slow for ever is no better than a hang.
  const before = renewals.length;
  pass(25_000, { turnMs: 1_500 });
  pass(90_000, { turnMs: 1_500 });
  expect(renewals.length - before).toBeLessThan(3);
});

test('a leader that writes again is let alone again, and stood in for the next time', () => {
  pass(10_000, { turnMs: 10, isAnswered: true });
  pass(15_500);
  const before = renewals.length;
  pass(30_000, { turnMs: 10, isAnswered: true });
  expect(renewals).toHaveLength(before);
  pass(34_000);
  expect(renewals).toHaveLength(before + 1);
});

test('nothing is done on the strength of a look or two', () => {
  nowMs = 50_000;
  pass(51_500);
  expect(renewals).toEqual([]);
});
