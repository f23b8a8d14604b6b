import { expect, test } from 'vitest';
import { ElectionCore, type ElectionAction, type ElectionEvent, type ElectionView } from './election-core.ts';
import { NO_SUSPICIONS } from './leader-nodes.ts';
import { sessionLeaseOf } from './session-lease.ts';

const LEASE = sessionLeaseOf(5_000);
const CONNECTED: ElectionEvent = { kind: 'connected', lease: LEASE };
const NOBODY = { lineage: 'store', epoch: 0, sessionId: '', grantedAtMs: 0 };
const leadershipOf = (epoch: number) => ({ lineage: 'store', epoch, sessionId: `s${epoch}`, grantedAtMs: 0 });

const view = (changes: Partial<ElectionView>): ElectionEvent => ({
  kind: 'view',
  view: {
    latches: [],
    own: undefined,
    grant: { leadership: NOBODY, latch: '' },
    suspicions: NO_SUSPICIONS,
    leader: undefined,
    ...changes,
  },
});

const done = (
  action: 'look' | 'queue' | 'claim' | 'confirm',
  outcome: 'seen' | 'unseen' | 'failed',
): ElectionEvent => ({
  kind: 'done',
  action,
  outcome,
});

class Driver {
  readonly core = new ElectionCore();

  at(monotonicMs: number, ...events: readonly ElectionEvent[]): readonly ElectionAction[] {
    return events.flatMap((event) => this.core.step(event, { monotonicMs, wallMs: monotonicMs }));
  }

  kindsAt(monotonicMs: number, ...events: readonly ElectionEvent[]): readonly string[] {
    return this.at(monotonicMs, ...events).map(({ kind }) => kind);
  }
}

const GRANTED = view({ latches: ['a', 'b'], own: 'a', grant: { leadership: leadershipOf(1), latch: 'a' } });

const leader = (): Driver => {
  const driver = new Driver();
  driver.at(0, CONNECTED, view({ latches: ['a'], own: 'a' }), done('look', 'seen'));
  driver.at(1, GRANTED, { kind: 'answered', epoch: 1, sentAtMs: 0 }, done('claim', 'seen'));
  return driver;
};

test('it looks, queues, looks for what came of it, and claims only as the first in the queue', () => {
  const driver = new Driver();
  expect(driver.kindsAt(0, view({}))).toEqual(['leader-changed']);
  expect(driver.kindsAt(0, CONNECTED)).toEqual(['look']);
  expect(driver.kindsAt(1, view({}), done('look', 'seen'))).toEqual(['queue']);
  // Whether it was answered or not: it may be there.
  expect(driver.kindsAt(2, done('queue', 'failed'))).toEqual([]);
  expect(driver.core.nextTimeMs).toBe(102);
  expect(driver.kindsAt(102, { kind: 'time' })).toEqual(['look']);
  const queued = { latches: ['a', 'b'], own: 'b', grant: { leadership: leadershipOf(7), latch: 'a' } };
  expect(driver.kindsAt(103, view(queued), done('look', 'seen'))).toEqual([]);
  expect(driver.core.queuePosition).toBe(0);
  expect(driver.core.nextTimeMs).toBe(Number.POSITIVE_INFINITY);
  expect(driver.at(104, view({ ...queued, latches: ['b'] }))).toEqual([{ kind: 'claim', epoch: 8 }]);
});

test('a grant whose answer was lost is found by a look, and counts from when it is confirmed (R2)', () => {
  const driver = new Driver();
  driver.at(0, CONNECTED, view({ latches: ['a'], own: 'a' }), done('look', 'seen'));
  expect(driver.kindsAt(1, done('claim', 'failed'))).toEqual([]);
  expect(driver.kindsAt(101, { kind: 'time' })).toEqual(['look']);
  expect(driver.kindsAt(102, GRANTED, done('look', 'seen'))).toEqual([]);
  expect(driver.core.leadership).toBeUndefined();
  expect(driver.core.nextTimeMs).toBe(202);
  expect(driver.kindsAt(202, { kind: 'time' })).toEqual(['confirm']);
  expect(driver.kindsAt(203, { kind: 'answered', epoch: 1, sentAtMs: 202 }, done('confirm', 'seen'))).toEqual([
    'granted',
  ]);
});

test('certainty ends before the session can, and comes back with a write, whatever else was answered', () => {
  const driver = leader();
  expect(driver.core.nextTimeMs).toBe(LEASE.renewalMs);
  driver.at(900, { kind: 'disconnected' });
  const endsMs = LEASE.durationMs - LEASE.marginMs;
  expect(driver.core.nextTimeMs).toBe(endsMs);
  expect([driver.core.isCertain(endsMs - 1), driver.core.isCertain(endsMs)]).toEqual([true, false]);
  expect(driver.kindsAt(endsMs, { kind: 'time' })).toEqual(['uncertain']);
  expect(driver.kindsAt(5_500, CONNECTED)).toEqual(['look', 'confirm']);
  // A look is no proof: the server may be cut off from the others.
  expect(driver.kindsAt(5_501, GRANTED, done('look', 'seen'))).toEqual([]);
  expect(driver.core.isCertain(5_501)).toBe(false);
  expect(driver.kindsAt(5_502, { kind: 'answered', epoch: 1, sentAtMs: 5_500 })).toEqual(['certain']);
});

test('whose latch is gone while its session lives was suspected: it queues again, at the end', () => {
  const driver = leader();
  const gone = view({ latches: ['b'], grant: { leadership: leadershipOf(1), latch: 'a' } });
  expect(driver.at(10, gone)).toMatchObject([{ kind: 'revoked', reason: 'suspected' }, { kind: 'queue' }]);
});

test('the end of the session is the end of leadership, and what was on its way for it is nobody’s business', () => {
  const driver = leader();
  expect(driver.at(10, { kind: 'ended' })).toMatchObject([{ kind: 'revoked', reason: 'expired' }]);
  expect(driver.kindsAt(20, { kind: 'time' })).toEqual([]);
  expect(driver.kindsAt(30, CONNECTED)).toEqual(['look']);
  const others = view({ latches: ['b'], grant: { leadership: leadershipOf(2), latch: 'b' } });
  expect(driver.kindsAt(31, others, done('look', 'seen'))).toEqual(['queue']);
});

test('epochs go on from the highest that was ever seen, though the ensemble holds an older copy (I5)', () => {
  const driver = new Driver();
  driver.at(0, CONNECTED, view({ grant: { leadership: leadershipOf(9), latch: 'x' } }), done('look', 'seen'));
  driver.at(1, { kind: 'ended' }, CONNECTED);
  const older = view({ latches: ['a'], own: 'a', grant: { leadership: leadershipOf(3), latch: 'y' } });
  expect(driver.at(2, older, done('look', 'seen'))).toEqual([{ kind: 'claim', epoch: 10 }]);
});

test('in a store that is another one it does nothing any more', () => {
  const driver = leader();
  expect(driver.at(10, { kind: 'replaced' })).toMatchObject([{ kind: 'revoked', reason: 'expired' }]);
  expect(driver.kindsAt(20, CONNECTED, { kind: 'time' })).toEqual([]);
  expect(driver.core.nextTimeMs).toBe(Number.POSITIVE_INFINITY);
});
