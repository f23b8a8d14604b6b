import { describe, expect, test } from 'vitest';
import type { SplitEnumerator } from './source.ts';
import { staticSplitsEnumerator } from './static-splits-enumerator.ts';

const ids = ['s0', 's1', 's2', 's3', 's4'];
const splits = ids.map((id) => ({ id, position: 0 }));

const create = (assignment: 'pull' | 'by-index', parallelism: number, state?: unknown): SplitEnumerator =>
  staticSplitsEnumerator.create({ splits, assignment }, parallelism, state);

const registered = (enumerator: SplitEnumerator, subtask: number, held: string[] = []): unknown => {
  const { assign, noMoreSplits } = enumerator.readerRegistered(
    subtask,
    held.map((id) => ({ id })),
  );
  return { assigned: assign?.flatMap((each) => each.splits.map(({ id }) => id)), noMoreSplits };
};

const requested = (enumerator: SplitEnumerator, subtask: number): unknown => {
  const { assign, noMoreSplits } = enumerator.splitRequested(subtask);
  return noMoreSplits === undefined ? assign?.[0]?.splits[0]?.id : 'no more';
};

describe('by index', () => {
  test('split i goes to reader i modulo parallelism, and nothing follows', () => {
    const enumerator = create('by-index', 2);
    expect(registered(enumerator, 0)).toEqual({ assigned: ['s0', 's2', 's4'], noMoreSplits: [0] });
    expect(registered(enumerator, 1)).toEqual({ assigned: ['s1', 's3'], noMoreSplits: [1] });
  });

  test('what came back goes to its reader again', () => {
    const enumerator = create('by-index', 2);
    registered(enumerator, 0);
    registered(enumerator, 1);
    enumerator.splitsReturned([{ id: 's3' }]);
    expect(registered(enumerator, 1)).toEqual({ assigned: ['s3'], noMoreSplits: [1] });
  });

  test('restored with another parallelism, only what nobody has is handed out', () => {
    const before = create('by-index', 2);
    registered(before, 0);
    const after = create('by-index', 3, before.snapshot());
    expect(registered(after, 0, ['s0', 's4'])).toEqual({ assigned: ['s3'], noMoreSplits: [0] });
    expect(registered(after, 1, ['s2'])).toEqual({ assigned: ['s1'], noMoreSplits: [1] });
    expect(registered(after, 2)).toEqual({ assigned: [], noMoreSplits: [2] });
  });
});

describe('pull', () => {
  test('one by one to whoever asks, then no more', () => {
    const enumerator = create('pull', 2);
    expect(registered(enumerator, 0)).toEqual({});
    expect([0, 1, 0, 0, 1, 1, 0].map((subtask) => requested(enumerator, subtask))).toEqual([
      ...ids,
      'no more',
      'no more',
    ]);
  });

  test('what came back is handed out again, first', () => {
    const enumerator = create('pull', 2);
    [0, 1, 0].forEach((subtask) => requested(enumerator, subtask));
    enumerator.splitsReturned([{ id: 's1' }]);
    expect([requested(enumerator, 0), requested(enumerator, 0)]).toEqual(['s1', 's3']);
  });

  test('restored, what was read to its end or is held is not handed out again', () => {
    const before = create('pull', 2);
    [0, 1].forEach((subtask) => requested(before, subtask));
    const state = JSON.parse(JSON.stringify(before.snapshot())) as unknown;
    const after = create('pull', 3, state);
    registered(after, 2, ['s4']);
    expect([0, 1, 2].map((subtask) => requested(after, subtask))).toEqual(['s2', 's3', 'no more']);
  });
});
