import { describe, expect, test } from 'vitest';
import { seededRandom, type Random } from '../../src/foundation/common/random.ts';
import { History, type Answer, type Call, type Operation, type Outcome } from './history.ts';
import { checkLinearizability } from './linearizability.ts';
import { carryOut, mayCarryOut, type Register } from './register.ts';
import { cas, create, get, plainGet, remove, set } from './timeline.ts';

/** In each of them the register holds "old" in version 0 at first. */
const initial = { value: 'old', version: 0 };

const GOOD: Readonly<Record<string, readonly Operation[]>> = {
  'one after the other': [
    set('a', [1, 2], 'x', 1),
    get('b', [3, 4], ['x', 1]),
    cas('b', [5, 6], 'y', 1, 2),
    get('a', [7, 8], ['y', 2]),
  ],
  'concurrent writes, the first to return is the last': [
    set('a', [1, 4], 'x', 2),
    set('b', [2, 3], 'y', 1),
    get('a', [5, 6], ['x', 2]),
  ],
  'concurrent writes, the first to return is the first': [
    set('a', [1, 3], 'x', 1),
    set('b', [2, 4], 'y', 2),
    get('a', [5, 6], ['y', 2]),
  ],
  'reads during a write: the old value, then the new one': [
    set('a', [1, 10], 'x', 1),
    get('b', [2, 3], ['old', 0]),
    get('b', [4, 5], ['x', 1]),
    get('c', [6, 7], ['x', 1]),
  ],
  'reads that overlap see either': [
    set('a', [1, 10], 'x', 1),
    get('b', [2, 8], ['x', 1]),
    get('c', [3, 9], ['old', 0]),
  ],
  'an unknown write that never happened': [set('a', [1, 2], 'x', 'unknown'), get('b', [3, 4], ['old', 0])],
  'an unknown write that happened at once': [set('a', [1, 2], 'x', 'unknown'), get('b', [3, 4], ['x', 1])],
  'an unknown write that happens late': [
    set('a', [1, 2], 'x', 'unknown'),
    get('b', [3, 4], ['old', 0]),
    set('b', [5, 6], 'y', 1),
    get('b', [7, 8], ['y', 1]),
    get('b', [9, 10], ['x', 2]),
  ],
  'an unknown write that only a version tells of': [
    set('a', [1, 2], 'x', 'unknown'),
    set('b', [3, 4], 'y', 2),
    get('b', [5, 6], ['y', 2]),
  ],
  'some of many unknown writes, in any order': [
    ...Array.from({ length: 12 }, (_, at) => set('a', [at + 1, at + 1], `x${at}`, 'unknown')),
    get('b', [20, 21], ['x7', 1]),
    set('b', [22, 23], 'y', 5),
    get('b', [24, 25], ['x2', 6]),
  ],
  'an unknown compare-and-set that won, and one that lost': [
    cas('a', [1, 2], 'x', 0, 'unknown'),
    cas('b', [3, 4], 'y', 0, 'unknown'),
    cas('c', [5, 6], 'z', 0, 'other-version'),
    get('c', [7, 8], ['y', 1]),
  ],
  'two compare-and-sets on one version: one wins': [
    cas('a', [1, 3], 'x', 0, 'other-version'),
    cas('b', [2, 4], 'y', 0, 1),
    get('a', [5, 6], ['y', 1]),
  ],
  'a denied write that is not seen': [set('a', [1, 2], 'x', 'denied'), get('b', [3, 4], ['old', 0])],
  'deleted, absent, created again': [
    remove('a', [1, 2], 'deleted', 0),
    get('b', [3, 4], 'absent'),
    set('b', [5, 6], 'x', 'absent'),
    create('c', [7, 8], 'y', 0),
    create('b', [9, 10], 'z', 'exists'),
    get('a', [11, 12], ['y', 0]),
  ],
  'an unknown deletion between two creations': [
    remove('a', [1, 2], 'unknown'),
    create('b', [3, 4], 'x', 'exists'),
    create('b', [5, 6], 'y', 0),
    get('b', [7, 8], ['y', 0]),
  ],
  'an unknown write that is read while the deletion is under way': [
    set('a', [1, 2], 'x', 'unknown'),
    remove('b', [3, 6], 'deleted'),
    get('c', [4, 7], ['x', 1]),
  ],
  'a plain read of the past is not asked about': [set('a', [1, 2], 'x', 1), plainGet('b', [3, 4], ['old', 0])],
};

const BAD: Readonly<Record<string, readonly Operation[]>> = {
  'a stale read': [set('a', [1, 2], 'x', 1), get('b', [3, 4], ['old', 0])],
  'a lost update': [set('a', [1, 2], 'x', 1), set('b', [3, 4], 'y', 1), get('a', [5, 6], ['y', 1])],
  'a lost update, of writes at once': [set('a', [1, 4], 'x', 1), set('b', [2, 3], 'y', 1)],
  'a value that was never written': [set('a', [1, 2], 'x', 1), get('b', [3, 4], ['z', 1])],
  'a value in a version it never had': [set('a', [1, 2], 'x', 1), get('b', [3, 4], ['x', 2])],
  'an unknown write, seen and then unseen': [
    set('a', [1, 2], 'x', 'unknown'),
    get('b', [3, 4], ['x', 1]),
    get('b', [5, 6], ['old', 0]),
  ],
  'an unknown write that happens twice': [
    set('a', [1, 2], 'x', 'unknown'),
    get('b', [3, 4], ['x', 1]),
    set('b', [5, 6], 'y', 2),
    get('b', [7, 8], ['x', 3]),
  ],
  'a compare-and-set that succeeds on another version': [set('a', [1, 2], 'x', 1), cas('b', [3, 4], 'y', 0, 2)],
  'a compare-and-set that fails on the right version': [
    cas('a', [1, 2], 'x', 0, 'other-version'),
    get('b', [3, 4], ['old', 0]),
  ],
  'an unknown compare-and-set that succeeds on another version': [
    cas('a', [1, 2], 'x', 0, 'unknown'),
    set('b', [3, 4], 'y', 1),
    get('b', [5, 6], ['x', 2]),
  ],
  'two compare-and-sets on one version that both succeed': [cas('a', [1, 4], 'x', 0, 1), cas('b', [2, 3], 'y', 0, 1)],
  'reads that go backwards, of one client': [
    set('a', [1, 10], 'x', 1),
    get('b', [2, 3], ['x', 1]),
    get('b', [4, 5], ['old', 0]),
  ],
  'reads that go backwards, from one client to the next': [
    set('a', [1, 10], 'x', 1),
    get('b', [2, 3], ['x', 1]),
    get('c', [4, 5], ['old', 0]),
  ],
  'two readers that see concurrent writes in different orders': [
    set('a', [1, 20], 'x', 1),
    set('b', [2, 20], 'y', 2),
    get('c', [3, 4], ['x', 1]),
    get('c', [5, 6], ['y', 2]),
    get('d', [7, 8], ['x', 1]),
  ],
  'a write that was answered and is never visible': [
    set('a', [1, 2], 'x', 1),
    set('b', [3, 4], 'y', 1),
    get('a', [5, 6], ['y', 1]),
    cas('a', [7, 8], 'z', 1, 2),
  ],
  'a write that takes effect before it was asked for': [get('b', [1, 2], ['x', 1]), set('a', [3, 4], 'x', 1)],
  'a write that takes effect after it was answered': [
    set('a', [1, 2], 'x', 1),
    get('b', [3, 4], ['old', 0]),
    get('b', [5, 6], ['x', 1]),
  ],
  'an unknown write, seen before it was asked for': [get('b', [1, 2], ['x', 1]), set('a', [3, 4], 'x', 'unknown')],
  'a denied write that is seen': [set('a', [1, 2], 'x', 'denied'), get('b', [3, 4], ['x', 1])],
  'a denied write that only a version tells of': [set('a', [1, 2], 'x', 'denied'), set('b', [3, 4], 'y', 2)],
  'versions that go back': [set('a', [1, 2], 'x', 1), set('a', [3, 4], 'y', 2), set('b', [5, 6], 'z', 1)],
  'a node that is read after its deletion': [remove('a', [1, 2], 'deleted'), get('b', [3, 4], ['old', 0])],
  'a node that is absent without a deletion': [get('b', [1, 2], 'absent'), get('b', [3, 4], ['old', 0])],
  'a node that is deleted twice': [remove('a', [1, 2], 'deleted'), remove('b', [3, 4], 'deleted')],
  'a node that is created twice': [
    remove('a', [1, 2], 'deleted'),
    create('a', [3, 6], 'x', 0),
    create('b', [4, 5], 'y', 0),
  ],
  'a creation that is refused where there is no node': [
    remove('a', [1, 2], 'deleted'),
    create('b', [3, 4], 'x', 'exists'),
    get('b', [5, 6], 'absent'),
  ],
  'a deletion of another version': [set('a', [1, 2], 'x', 1), remove('b', [3, 4], 'deleted', 0)],
  'an unknown deletion, seen and then unseen': [
    remove('a', [1, 2], 'unknown'),
    get('b', [3, 4], 'absent'),
    get('b', [5, 6], ['old', 0]),
  ],
  'a new node with the version of the old one': [
    set('a', [1, 2], 'x', 1),
    remove('a', [3, 4], 'deleted'),
    create('a', [5, 6], 'y', 0),
    set('b', [7, 8], 'z', 2),
  ],
  'a new node with the value of the old one': [
    remove('a', [1, 2], 'deleted'),
    create('a', [3, 4], 'y', 0),
    get('b', [5, 6], ['old', 0]),
  ],
};

test('there are enough of them', () => {
  expect(Object.keys(GOOD).length).toBeGreaterThanOrEqual(12);
  expect(Object.keys(BAD).length).toBeGreaterThanOrEqual(20);
});

describe('accepted', () => {
  test.each(Object.entries(GOOD))('%s', (_, history) => {
    expect(checkLinearizability(history, { initial })).toEqual({ kind: 'linearizable' });
  });
});

describe('refused', () => {
  test.each(Object.entries(BAD))('%s', (_, history) => {
    expect(checkLinearizability(history, { initial })).toMatchObject({ kind: 'refused' });
  });

  test('with the answer that nothing explains', () => {
    const verdict = checkLinearizability(BAD['a stale read']!, { initial });
    expect(verdict).toMatchObject({
      operation: BAD['a stale read']![1],
      why: 'get r by b, from 3 to 4: "old" in version 0; before it the register was a value that nobody read in version 1',
    });
  });

  test('also where other registers are well', () => {
    const well = GOOD['one after the other']!.map((operation) => ({ ...operation, register: 'other' }));
    expect(checkLinearizability([...well, ...BAD['a stale read']!], { initial })).toMatchObject({ kind: 'refused' });
  });
});

/** A register that carries out what clients ask at some moment before they are told, and sometimes never tells, or later, or not at all. */
const generated = (random: Random, operations: number, clients: number, unknownOneIn = 100): History => {
  const history = new History();
  let register: Register = initial;
  let count = 0;
  const late: Call[] = [];
  const pending = new Map<number, { readonly call: Call; answer?: Answer; end(outcome: Outcome): void }>();
  const happen = (client: number): void => {
    const asked = pending.get(client)!;
    const { call } = asked;
    asked.answer ??= answerTo(register, call);
    const next = carryOut(register, call, asked.answer);
    register = next === 'impossible' ? register : next;
  };
  while (count < operations) {
    const client = random.int(clients);
    const asked = pending.get(client);
    if (asked === undefined) {
      const call = drawCall(random, `v${count++}`);
      const end = history.invoke(`c${client}`, 'r', call);
      if (random.int(unknownOneIn) === 0) {
        end({ kind: 'unknown' });
        late.push(...(random.int(2) === 0 ? [call] : []));
      } else {
        pending.set(client, { call, end });
      }
    } else if (asked.answer === undefined) {
      happen(client);
    } else {
      asked.end(asked.answer);
      pending.delete(client);
    }
    if (late.length > 0 && random.int(50) === 0) {
      const next = mayCarryOut(register, late.pop()!);
      register = next === 'impossible' ? register : next;
    }
  }
  pending.forEach(({ end }) => end({ kind: 'unknown' }));
  return history;
};

const drawCall = (random: Random, value: string): Call => {
  const choice = random.int(20);
  return choice < 9
    ? { kind: 'get', isFresh: true }
    : choice < 13
      ? { kind: 'set', value }
      : choice < 16
        ? { kind: 'set', value, version: random.int(4) }
        : choice < 18
          ? { kind: 'create', value }
          : { kind: 'delete' };
};

const answerTo = (register: Register, call: Call): Answer => {
  const answers: readonly Answer[] = [
    { kind: 'absent' },
    { kind: 'exists' },
    { kind: 'other-version' },
    { kind: 'deleted' },
    { kind: 'written', version: call.kind === 'create' ? 0 : (register?.version ?? 0) + 1, changedIn: 0n },
    { kind: 'value', value: register?.value ?? '', version: register?.version ?? 0, changedIn: 0n },
  ];
  return answers.find((answer) => carryOut(register, call, answer) !== 'impossible')!;
};

/** Whether there is such an order: all of them are tried. */
const isLinearizable = (operations: readonly Operation[], register: Register): boolean => {
  const firstReturn = Math.min(...operations.map(({ returnedAt }) => returnedAt));
  return (
    operations.every(({ outcome }) => outcome.kind === 'unknown') ||
    operations.some((operation) => {
      const { call, outcome, invokedAt } = operation;
      if (invokedAt > firstReturn || outcome.kind === 'denied') {
        return false;
      }
      const next =
        outcome.kind === 'unknown' ? mayCarryOut(register, call) : carryOut(register, call, outcome as Answer);
      return (
        next !== 'impossible' &&
        isLinearizable(
          operations.filter((other) => other !== operation),
          next,
        )
      );
    })
  );
};

describe('generated', () => {
  test('the verdict on short histories, right or with an answer of another, is that of trying all orders', () => {
    const counts = { linearizable: 0, refused: 0 };
    for (let seed = 1; seed <= 3_000; seed++) {
      const random = seededRandom(seed);
      const { operations } = generated(random, 8, 2 + random.int(3), 5);
      const known = operations.filter(({ outcome }) => outcome.kind !== 'unknown');
      const changed = known[random.int(known.length)];
      const others = known.filter(({ call }) => call.kind === changed?.call.kind);
      const outcome = others[random.int(others.length)]?.outcome;
      const history = operations.map((each) => (each === changed && outcome ? { ...each, outcome } : each));
      const { kind } = checkLinearizability(history, { initial });
      expect([seed, kind]).toEqual([seed, isLinearizable(history, initial) ? 'linearizable' : 'refused']);
      counts[kind === 'refused' ? kind : 'linearizable']++;
    }
    expect(Math.min(counts.linearizable, counts.refused)).toBeGreaterThan(300);
  });

  test.each(Array.from({ length: 60 }, (_, at) => at + 1))(
    'histories of a register are accepted, with one answer changed they are not: %i',
    (seed) => {
      const random = seededRandom(seed);
      const { operations } = generated(random, 400, 2 + random.int(4));
      expect(checkLinearizability(operations, { initial })).toEqual({ kind: 'linearizable' });
      const reads = operations.flatMap(({ outcome }, at) => (outcome.kind === 'value' ? [at] : []));
      const at = reads[random.int(reads.length)]!;
      const { outcome } = operations[at]!;
      const wrong = outcome.kind === 'value' ? { ...outcome, version: outcome.version + 1_000 } : outcome;
      const changed = operations.with(at, { ...operations[at]!, outcome: wrong });
      expect(checkLinearizability(changed, { initial })).toMatchObject({ kind: 'refused', operation: changed[at] });
    },
  );

  test('50,000 operations on ten registers, hundreds of unknown outcome', () => {
    const histories = Array.from({ length: 10 }, (_, at) =>
      generated(seededRandom(at), 5_000, 5).operations.map((operation) => ({ ...operation, register: `r${at}` })),
    );
    const operations = histories.flat();
    expect(operations.filter(({ outcome }) => outcome.kind === 'unknown').length).toBeGreaterThan(300);
    expect(checkLinearizability(operations, { initial })).toEqual({ kind: 'linearizable' });
  });

  test('what is too much to look at is not taken for good', () => {
    const { operations } = generated(seededRandom(9), 500, 5);
    expect(checkLinearizability(operations, { initial, configurationsMax: 2 })).toMatchObject({ kind: 'undecided' });
  });
});
