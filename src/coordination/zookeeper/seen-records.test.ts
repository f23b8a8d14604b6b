import { expect, test } from 'vitest';
import { SeenRecords } from './seen-records.ts';

test('the same version of a record is the same object, another version is another one', () => {
  const seen = new SeenRecords();
  const first = seen.same('jobs/a/record', 7, () => 'one');
  expect(first).toEqual({ key: 'jobs/a/record', value: 'one', version: 7 });
  expect(seen.same('jobs/a/record', 7, () => 'not asked for')).toBe(first);
  expect(seen.same('jobs/b/record', 7, () => 'other')).toEqual({ key: 'jobs/b/record', value: 'other', version: 7 });
  // Also a lower one: of a store that went back (R12).
  expect(seen.same('jobs/a/record', 6, () => 'older')).toEqual({ key: 'jobs/a/record', value: 'older', version: 6 });
  expect(seen.same('jobs/a/record', 7, () => 'one again').value).toBe('one again');
});

test('what was not seen for longest is forgotten', () => {
  const seen = new SeenRecords();
  const records = Array.from({ length: 20_000 }, (_, at) => seen.same(`results/${at}`, 1, () => ''));
  expect(seen.same('results/0', 1, () => '')).toBe(records[0]);
  seen.same('results/new', 1, () => '');
  expect(seen.same('results/0', 1, () => '')).toBe(records[0]);
  expect(seen.same('results/2', 1, () => '')).toBe(records[2]);
  expect(seen.same('results/1', 1, () => '')).not.toBe(records[1]);
});
