import { describe, expect, test } from 'vitest';
import type { ExpectedClaim, Transaction } from './log-entry.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot-file.ts';
import { emptyStore, StoreState, type TransactionResult } from './store-state.ts';

const LINEAGE = 'l';

const apply = (state: StoreState, ...transactions: Transaction[]): string[] =>
  state.apply({ id: 'i', lineage: LINEAGE, transactions }).map(({ kind }: TransactionResult) => kind);

const endpoints = (instanceId: string) => ({ instanceId, rpcAddress: `${instanceId}:1`, restAddress: '' });

const claim = (
  instanceId: string,
  expected: ExpectedClaim,
  cause: 'vacant' | 'expired' | 'suspected' = 'vacant',
): Transaction => ({
  ...{ kind: 'claim', endpoints: endpoints(instanceId), sessionId: `s-${instanceId}`, atMs: 1, expected, cause },
});
const queue = (instanceId: string, atMs = 0): Transaction => ({
  kind: 'queue',
  endpoints: endpoints(instanceId),
  atMs,
});
const put = (key: string, epoch: number, expected?: number | 'absent'): Transaction => ({
  ...{ kind: 'change', epoch },
  changes: [{ kind: 'put', key, value: `${key} by ${epoch}`, ...(expected === undefined ? {} : { expected }) }],
});

const led = (instanceId = 'a'): StoreState => {
  const state = new StoreState(emptyStore(LINEAGE));
  apply(state, queue(instanceId), claim(instanceId, state.expectedClaim));
  return state;
};
const places = (state: StoreState): string[] => state.queue.map((place) => place.endpoints.instanceId);

describe('leadership', () => {
  test('what a lower epoch writes after the grant of a higher one is void (I1)', () => {
    const state = led();
    expect(apply(state, put('x', 1))).toEqual(['applied']);
    apply(state, claim('b', state.expectedClaim, 'expired'));
    const before = state.image();
    for (const transaction of [
      put('x', 1),
      { kind: 'renew', epoch: 1 },
      { kind: 'publish', epoch: 1 },
      { kind: 'resign', epoch: 1 },
      { kind: 'raise', epoch: 1, above: 9, sessionId: '', atMs: 0 },
      put('x', 3),
    ] satisfies Transaction[]) {
      expect(apply(state, transaction), `a transaction of kind ${transaction.kind}`).toEqual(['leadership-lost']);
    }
    expect({ ...state.image(), number: before.number }).toEqual(before);
  });

  test('of two claims that mean the same state the first counts, also in one entry', () => {
    const state = new StoreState(emptyStore(LINEAGE));
    const { expectedClaim } = state;
    expect(apply(state, claim('a', expectedClaim), claim('b', expectedClaim))).toEqual(['applied', 'outdated']);
    expect(state.claim?.endpoints.instanceId).toBe('a');
    expect(state.epoch).toBe(1);
  });

  test.each<[string, Transaction]>([
    ['a renewal', { kind: 'renew', epoch: 1 }],
    ['a change', put('x', 1)],
    ['a change that is refused', put('x', 1, 7)],
    ['the publication', { kind: 'publish', epoch: 1 }],
  ])('%s of the leader is a sign of life that makes a suspicion outdated', (_what, sign) => {
    const state = led();
    const { expectedClaim } = state;
    apply(state, sign);
    expect(apply(state, claim('b', expectedClaim, 'suspected'))).toEqual(['outdated']);
    expect(state.leads(1)).toBe(true);
  });

  test('an epoch is never given twice: not after a resignation, not after a raise (I5, R12)', () => {
    const state = led();
    apply(state, { kind: 'raise', epoch: 1, above: 10, sessionId: 's', atMs: 0 });
    expect(state.claim).toMatchObject({
      leadership: { epoch: 11 },
      endpoints: { instanceId: 'a' },
      isPublished: false,
    });
    apply(state, { kind: 'resign', epoch: 11 });
    expect(state.claim).toBeUndefined();
    expect(apply(state, put('x', 11))).toEqual(['leadership-lost']);
    apply(state, claim('a', state.expectedClaim));
    expect(state.epoch).toBe(12);
  });

  test('an entry of another lineage takes its number and changes nothing', () => {
    const state = led();
    const { number, ...rest } = state.image();
    state.apply({ id: 'j', lineage: 'other', transactions: [put('x', 1), { kind: 'leave', instanceId: 'a' }] });
    expect(state.image()).toEqual({ ...rest, number: number + 1 });
  });
});

describe('records', () => {
  test('a change is carried out whole or not at all', () => {
    const state = led();
    apply(state, put('jobs/1/a', 1), put('jobs/2/a', 1));
    const version = state.get('jobs/1/a')!.version;
    const both: Transaction = {
      ...{ kind: 'change', epoch: 1 },
      changes: [
        { kind: 'delete-all', prefix: 'jobs/1/' },
        { kind: 'require', key: 'jobs/2/a', expected: 'absent' },
      ],
    };
    expect(apply(state, both)).toEqual(['conflict']);
    expect(state.list('jobs/').map(({ key }) => key)).toEqual(['jobs/1/a', 'jobs/2/a']);
    expect(apply(state, put('jobs/1/a', 1, version))).toEqual(['applied']);
    expect(apply(state, put('jobs/1/a', 1, version))).toEqual(['conflict']);
    expect(apply(state, { kind: 'change', epoch: 1, changes: [{ kind: 'delete-all', prefix: 'jobs/1/' }] })).toEqual([
      'applied',
    ]);
    expect(state.list('').map(({ key }) => key)).toEqual(['jobs/2/a']);
  });

  test('a record that was deleted and made again has another version', () => {
    const state = led();
    apply(state, put('x', 1));
    const { version } = state.get('x')!;
    apply(state, { kind: 'change', epoch: 1, changes: [{ kind: 'delete', key: 'x' }] }, put('x', 1));
    expect(state.get('x')!.version).toBeGreaterThan(version);
  });
});

describe('the queue', () => {
  test('keeps the order of arrival; a sign of life keeps the place', () => {
    const state = led();
    apply(state, queue('b'));
    apply(state, queue('c'));
    apply(state, queue('b'));
    expect(places(state)).toEqual(['b', 'c']);
    expect(state.queue.map(({ since, seen }) => [since, seen])).toEqual([
      [2, 4],
      [3, 3],
    ]);
    expect(apply(state, { kind: 'drop', instanceId: 'b', seen: 2 })).toEqual(['outdated']);
    expect(apply(state, { kind: 'drop', instanceId: 'b', seen: 4 })).toEqual(['applied']);
    expect(places(state)).toEqual(['c']);
  });

  test('loses those who stood before the new leader', () => {
    const state = led();
    ['b', 'c', 'd'].forEach((name) => apply(state, queue(name)));
    apply(state, claim('c', state.expectedClaim, 'suspected'));
    expect(places(state)).toEqual(['d']);
  });

  test('has a limit: who was silent longest goes', () => {
    const state = led();
    for (let i = 0; i < 70; i++) {
      apply(state, queue(`n${i}`));
      apply(state, queue('n0'));
    }
    expect(state.queue).toHaveLength(64);
    expect(places(state)).toContain('n0');
    expect(places(state)).not.toContain('n1');
  });
});

describe('false alarms', () => {
  test('are suspected leaders that live; each is counted once, a quiet hour ends a series', () => {
    const state = led();
    apply(state, claim('b', state.expectedClaim, 'suspected'));
    apply(state, queue('a', 1_000), queue('a', 2_000));
    expect(state.falseAlarms).toEqual({ total: 1, inSeries: 1, newestAtMs: 1_000 });
    apply(state, claim('a', state.expectedClaim, 'suspected'), queue('b', 60_000));
    expect(state.falseAlarms).toEqual({ total: 2, inSeries: 2, newestAtMs: 60_000 });
    apply(state, claim('b', state.expectedClaim, 'suspected'), queue('a', 4_000_000));
    expect(state.falseAlarms).toEqual({ total: 3, inSeries: 1, newestAtMs: 4_000_000 });
  });

  test('an expired lease is none', () => {
    const state = led();
    apply(state, claim('b', state.expectedClaim, 'expired'), queue('a', 1_000));
    expect(state.falseAlarms.total).toBe(0);
  });
});

test('a snapshot has all of it', () => {
  const state = led();
  apply(state, queue('b'), put('x', 1), claim('b', state.expectedClaim, 'vacant'));
  apply(state, claim('b', state.expectedClaim, 'suspected'), queue('c'));
  const image = decodeSnapshot(encodeSnapshot(state.image()), 'file');
  expect(image).toEqual(state.image());
  expect(new StoreState(image).image()).toEqual(state.image());
});
