import { expect, test } from 'vitest';
import { CopyLedger } from './copy-ledger.ts';

/** Checkpoint `id` wrote `own` and refers to `others` too. */
const acknowledge = (ledger: CopyLedger, id: number, own: string, ...others: string[]): void => {
  ledger.kept(own, id);
  ledger.acknowledged(id, [...others, own]);
};

test('a completed checkpoint ends what it does not refer to, older ones included', () => {
  const ledger = new CopyLedger();
  acknowledge(ledger, 1, 'a1');
  expect(ledger.completed(1)).toEqual([]);
  acknowledge(ledger, 2, 'b2', 'a1');
  acknowledge(ledger, 3, 'c3', 'a1');
  expect(ledger.completed(3)).toEqual(['b2']);
  acknowledge(ledger, 4, 'd4');
  expect(ledger.completed(4)).toEqual(['a1', 'c3']);
});

test('a checkpoint that is not decided keeps its copies, whatever completes before it', () => {
  const ledger = new CopyLedger();
  acknowledge(ledger, 1, 'a1');
  acknowledge(ledger, 2, 'b2', 'a1');
  expect(ledger.completed(1)).toEqual([]);
  expect(ledger.completed(2)).toEqual([]);
});

test('an aborted checkpoint takes its copies with it, but not the base', () => {
  const ledger = new CopyLedger();
  acknowledge(ledger, 1, 'a1');
  ledger.completed(1);
  acknowledge(ledger, 2, 'b2', 'a1');
  expect(ledger.givenUp((id) => id === 2)).toEqual(['b2']);
  expect(ledger.completed(2)).toEqual([]);
});

test('R10: a floor ends all but the newest completed one', () => {
  const ledger = new CopyLedger();
  acknowledge(ledger, 1, 'a1');
  acknowledge(ledger, 2, 'b2', 'a1');
  acknowledge(ledger, 3, 'c3', 'a1', 'b2');
  ledger.completed(2);
  expect(ledger.givenUp((id) => id <= 3)).toEqual(['c3']);
  acknowledge(ledger, 4, 'd4', 'a1', 'b2');
  expect(ledger.completed(4)).toEqual([]);
});

test('what was restored stays until a later checkpoint of this attempt completes', () => {
  const ledger = new CopyLedger();
  ledger.restored(['a1', 'b2']);
  ledger.kept('a1', 1);
  ledger.kept('b2', 2);
  // Announced again by another leader, and an older one: this attempt took no part.
  expect([...ledger.completed(2), ...ledger.completed(1)]).toEqual([]);
  expect(ledger.givenUp((id) => id <= 5)).toEqual([]);
  acknowledge(ledger, 6, 'c6', 'a1');
  expect(ledger.completed(6)).toEqual(['b2']);
});
