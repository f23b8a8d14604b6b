import { describe, expect, test } from 'vitest';
import type { Operation } from './history.ts';
import { checkSessions } from './session-order.ts';
import { but, create, get, plainGet, remove, set } from './timeline.ts';

const made = create('a', [1, 2], 'old', 0);

const GOOD: Readonly<Record<string, readonly Operation[]>> = {
  'plain reads of the past, in order': [
    made,
    set('a', [3, 4], 'x', 1),
    set('a', [5, 6], 'y', 2),
    plainGet('b', [7, 8], ['old', 0]),
    plainGet('b', [9, 10], ['x', 1]),
    plainGet('c', [11, 12], ['y', 2]),
    plainGet('b', [13, 14], ['x', 1]),
  ],
  'a read before the first write': [plainGet('b', [0, 1], 'absent'), { ...made, invokedAt: 2, returnedAt: 3 }],
  'an unknown write that is read': [made, set('a', [3, 4], 'x', 'unknown'), plainGet('b', [5, 6], ['x', 1])],
  'writes at once, in the other order': [made, set('a', [3, 6], 'x', 2), set('b', [4, 5], 'y', 1)],
  'an absence that is a deletion': [made, remove('a', [3, 4], 'deleted'), plainGet('a', [5, 6], 'absent')],
};

const BAD: Readonly<Record<string, readonly Operation[]>> = {
  'a session that does not see its own write': [made, set('a', [3, 4], 'x', 1), plainGet('a', [5, 6], ['old', 0])],
  'plain reads that go backwards in one session': [
    made,
    set('a', [3, 4], 'x', 1),
    plainGet('b', [5, 6], ['x', 1]),
    plainGet('b', [7, 8], ['old', 0]),
  ],
  'a node that is no longer there, without a deletion': [made, plainGet('a', [3, 4], 'absent')],
  'another node, older than what the session has seen': [
    made,
    but(create('a', [3, 4], 'far', 0), { register: 's', changedIn: 2n }),
    but(set('a', [5, 6], 'near', 1), { register: 's', changedIn: 3n }),
    but(set('a', [7, 8], 'x', 1), { changedIn: 4n }),
    but(plainGet('b', [9, 10], ['x', 1]), { changedIn: 4n }),
    but(plainGet('b', [11, 12], ['far', 0]), { register: 's', changedIn: 2n }),
  ],
  'a value before anybody asked for it': [made, plainGet('b', [3, 4], ['x', 1]), set('a', [5, 6], 'x', 1)],
  'a value that nobody asked for': [made, plainGet('b', [3, 4], ['z', 1])],
  'a value that was denied': [made, set('a', [3, 4], 'x', 'denied'), plainGet('b', [5, 6], ['x', 1])],
  'one transaction, two values': [
    made,
    set('a', [3, 6], 'x', 1),
    set('b', [4, 6], 'y', 'unknown'),
    plainGet('c', [7, 8], ['y', 1]),
  ],
  'one transaction, two nodes': [made, but(create('b', [3, 4], 'old', 0), { register: 's' })],
  'transactions against the order of time': [
    made,
    but(set('a', [3, 4], 'x', 1), { changedIn: 9n }),
    but(set('b', [5, 6], 'y', 2), { changedIn: 8n }),
  ],
  'a write in a transaction that the session had seen': [
    made,
    but(set('b', [3, 9], 'x', 1), { changedIn: 5n }),
    but(get('a', [4, 5], ['x', 1]), { changedIn: 5n }),
    but(set('a', [6, 7], 'y', 2), { changedIn: 4n }),
  ],
};

describe('accepted', () => {
  test.each(Object.entries(GOOD))('%s', (_, history) => {
    expect(checkSessions(history)).toEqual([]);
  });
});

describe('refused', () => {
  test.each(Object.entries(BAD))('%s', (_, history) => {
    expect(checkSessions(history).length).toBeGreaterThan(0);
  });
});
