import { expect, test } from 'vitest';
import { OperatorState } from './operator-state.ts';

const stateOf = (lists: Readonly<Record<string, readonly unknown[]>>): Uint8Array | undefined => {
  const state = new OperatorState('source');
  for (const [name, items] of Object.entries(lists)) {
    state.list(name, name.startsWith('union') ? 'union' : 'split').update(items);
  }
  return state.snapshot();
};
const restoreAll = (states: readonly (Uint8Array | undefined)[], parallelism: number): readonly OperatorState[] =>
  Array.from({ length: parallelism }, (_, subtask) => {
    const state = new OperatorState('source');
    state.restore(states, subtask, parallelism);
    return state;
  });
const itemsOf = (states: readonly OperatorState[], name: string, redistribution?: 'union'): readonly unknown[] =>
  states.map((state) => state.list(name, redistribution).get());

test('each subtask gets its own lists back', () => {
  const states = [stateOf({ splits: ['a', { b: 1n }] }), undefined, stateOf({ splits: ['c'], union: [1] })];
  const restored = restoreAll(states, 3);
  expect(itemsOf(restored, 'splits')).toEqual([['a', { b: 1n }], [], ['c']]);
  expect(itemsOf(restored, 'union', 'union')).toEqual([[1], [1], [1]]);
});

test('with another parallelism split lists are dealt out, union lists given whole', () => {
  const states = [stateOf({ splits: [1, 2, 3], union: ['a'] }), stateOf({ splits: [4, 5], union: ['b'] })];
  expect(itemsOf(restoreAll(states, 3), 'splits')).toEqual([[1, 4], [2, 5], [3]]);
  expect(itemsOf(restoreAll(states, 1), 'splits')).toEqual([[1, 2, 3, 4, 5]]);
  expect(itemsOf(restoreAll(states, 3), 'union', 'union')).toEqual(Array.from({ length: 3 }, () => ['a', 'b']));
});

test('lists that nobody asks for stay in the next snapshot, empty state is none', () => {
  const [first] = restoreAll([stateOf({ splits: [1] })], 1);
  const [second] = restoreAll([first!.snapshot()], 1);
  second!.list('splits').add(2);
  expect(second!.list('splits').get()).toEqual([1, 2]);
  expect(new OperatorState('x').snapshot()).toBeUndefined();
  expect(stateOf({ splits: [] })).toBeUndefined();
});

test('a list is of one redistribution', () => {
  const state = new OperatorState('source');
  state.list('l');
  expect(() => state.list('l', 'union')).toThrow(
    "operator 'source': list 'l' is asked for as a union list, but it is in use",
  );
  const [restored] = restoreAll([stateOf({ union: [1] })], 1);
  expect(() => restored!.list('union')).toThrow(expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }));
});

test('an item that cannot be stored is named', () => {
  expect(() => stateOf({ splits: [1, { run: () => 1 }] })).toThrow(/item 1 of list 'splits' of operator 'source'/u);
});

test('bytes that are changed or cut off are refused', () => {
  const bytes = stateOf({ splits: ['a', [1, 2]], union: [new Date(1)] })!;
  expect(Buffer.from(bytes).toString('latin1', 0, 4)).toBe('MRKO');
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    const code = at === 4 || at === 5 ? /BROKEN|NEWER/u : /BROKEN/u;
    const refused = { code: expect.stringMatching(code) as string };
    expect(() => restoreAll([flipped], 1)).toThrow(expect.objectContaining(refused));
    expect(() => restoreAll([bytes.subarray(0, at)], 1)).toThrow(/operator 'source': the operator state of subtask 0/u);
  }
});
