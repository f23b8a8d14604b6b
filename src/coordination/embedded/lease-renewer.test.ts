import { beforeEach, expect, test } from 'vitest';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { AppendOutcome } from './append-outcome.ts';
import { LeaseRenewer } from './lease-renewer.ts';
import { leaseOf } from './lease.ts';

const LEASE = leaseOf(5_000);
const LEADERSHIP = { lineage: 'store', epoch: 1, sessionId: 'session', grantedAtMs: 0 };

let clock: ManualClock;
let writeMs: number;
let result: 'applied' | 'leadership-lost' | undefined;
/** When each renewal left. */
let sent: number[];
let answered: number[];
let answeredAtMs: number[];
let renewer: LeaseRenewer;

beforeEach(() => {
  [clock, writeMs, result] = [new ManualClock(), 0, 'applied'];
  [sent, answered, answeredAtMs] = [[], [], []];
  const append = (): Promise<AppendOutcome> => {
    const sentAtMs = clock.monotonic();
    sent.push(sentAtMs);
    return new Promise((resolve) => {
      clock.after(writeMs, () =>
        resolve(
          result === undefined
            ? { kind: 'undecided', error: errorInfo(new MillraceError('STORE_AWAY', 'away')) }
            : { kind: 'decided', result: { kind: result }, sentAtMs },
        ),
      );
    });
  };
  renewer = new LeaseRenewer({ append }, LEASE, clock);
  renewer.start(LEADERSHIP, (sentAtMs) => {
    answered.push(sentAtMs);
    answeredAtMs.push(clock.monotonic());
  });
});

const pass = async (untilMs: number): Promise<void> => {
  while (clock.monotonic() < untilMs) {
    clock.advanceBy(50);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
};

test('renews five times in a lease', async () => {
  await pass(4_500);
  expect(sent).toEqual([1_000, 2_000, 3_000, 4_000]);
  expect(answered).toEqual(sent);
});

test('on a slow disk one renewal follows the other, so that certainty outlives a write that was made twice', async () => {
  writeMs = 1_300;
  await pass(5_000);
  writeMs = 2_600;
  await pass(8_000);
  writeMs = 1_300;
  await pass(12_000);
  expect(sent).toEqual([1_000, 2_300, 3_600, 4_900, 6_200, 8_800, 10_100, 11_400]);
  for (const [index, sentAtMs] of answered.entries()) {
    const nextAnsweredAtMs = answeredAtMs[index + 1] ?? sentAtMs;
    expect(nextAnsweredAtMs - sentAtMs).toBeLessThan(LEASE.durationMs - LEASE.marginMs);
  }
});

test('goes on after a write whose outcome is not known, and tells of none that does not count', async () => {
  result = undefined;
  await pass(3_500);
  result = 'leadership-lost';
  await pass(5_500);
  expect(sent.length).toBeGreaterThan(4);
  expect(answered).toEqual([]);
});

test('tells nothing and renews nothing once it is stopped', async () => {
  writeMs = 500;
  await pass(1_200);
  renewer.stop();
  await pass(9_000);
  expect(sent).toEqual([1_000]);
  expect(answered).toEqual([]);
  expect(clock.timerCount).toBe(0);
});
