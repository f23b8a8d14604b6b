import { expect, test } from 'vitest';
import { ElectionCore, type ElectionEvent, type ElectionView } from './election-core.ts';
import { leaseOf } from './lease.ts';

const OWN = { instanceId: 'one', rpcAddress: 'a:1', restAddress: '' };
const LEADERSHIP = { lineage: 'store', epoch: 1, sessionId: 'session', grantedAtMs: 0 };

const view = (changes: Partial<ElectionView>): ElectionEvent => ({
  kind: 'view',
  view: {
    claim: undefined,
    queue: [{ endpoints: OWN, since: 1, seen: 1 }],
    falseAlarms: { total: 0, inSeries: 0, newestAtMs: 0 },
    expectedClaim: { epoch: 0, renewal: null },
    leader: undefined,
    ...changes,
  },
});

test('a claim that is there although its write was not answered is confirmed at once, not by its first renewal (R2)', () => {
  const core = new ElectionCore(OWN.instanceId, leaseOf(600_000));
  const step = (event: ElectionEvent, monotonicMs: number): readonly string[] =>
    core.step(event, { monotonicMs, wallMs: monotonicMs }).map(({ kind }) => kind);
  expect(step(view({}), 0)).toContain('queue');
  expect(step({ kind: 'done', action: 'queue', isAnswered: true, startedAtMs: 0 }, 1)).toEqual(['claim']);
  const claim = { leadership: LEADERSHIP, endpoints: OWN, cause: 'vacant', isPublished: false, renewal: 0 } as const;
  expect(step(view({ claim, queue: [], expectedClaim: { epoch: 1, renewal: 0 } }), 2)).toEqual(['renew']);
  expect(step({ kind: 'done', action: 'claim', isAnswered: false, startedAtMs: 1 }, 3)).toEqual([]);
  expect(core.nextTimeMs).toBeLessThan(1_000);
  const confirmedMs = core.nextTimeMs;
  expect(step({ kind: 'time' }, confirmedMs)).toEqual(['confirm']);
  expect(step({ kind: 'answered', epoch: 1, sentAtMs: confirmedMs }, confirmedMs + 1)).toEqual(['granted']);
  expect(
    step({ kind: 'done', action: 'confirm', isAnswered: true, startedAtMs: confirmedMs }, confirmedMs + 2),
  ).toEqual([]);
  expect(core.isCertain(confirmedMs + 3)).toBe(true);
});

test('a contender that is not in the queue waits for its place, whatever claim has ended meanwhile', () => {
  const core = new ElectionCore(OWN.instanceId, leaseOf(5_000));
  const step = (event: ElectionEvent, monotonicMs: number): readonly string[] =>
    core.step(event, { monotonicMs, wallMs: monotonicMs }).map(({ kind }) => kind);
  expect(step(view({ queue: [] }), 0)).toContain('queue');
  expect(step({ kind: 'time' }, 60_000)).toEqual([]);
  expect(core.nextTimeMs).toBe(Number.POSITIVE_INFINITY);
  expect(step({ kind: 'done', action: 'queue', isAnswered: false, startedAtMs: 0 }, 60_001)).toEqual([]);
  expect(core.nextTimeMs).toBe(60_101);
  expect(step({ kind: 'time' }, 60_101)).toEqual(['queue']);
});

test('a process that starts after a false alarm knows that the fast way is closed, for what is left of the time', () => {
  const core = new ElectionCore(OWN.instanceId, leaseOf(5_000));
  const falseAlarms = { total: 7, inSeries: 2, newestAtMs: 100_000 };
  core.step(view({ falseAlarms }), { monotonicMs: 50, wallMs: 105_000 });
  expect(core.fastWayClosedForMs(50)).toBe(15_000);
  expect(core.fastWayClosedForMs(15_050)).toBe(0);
});

test('the fast way is closed for ten minutes at most, however many false alarms there were', () => {
  const core = new ElectionCore(OWN.instanceId, leaseOf(5_000));
  core.step(view({}), { monotonicMs: 0, wallMs: 0 });
  core.step(view({ falseAlarms: { total: 40, inSeries: 40, newestAtMs: 0 } }), { monotonicMs: 0, wallMs: 0 });
  expect(core.fastWayClosedForMs(0)).toBe(600_000);
});
