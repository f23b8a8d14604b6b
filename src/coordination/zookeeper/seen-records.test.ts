import { expect, test } from 'vitest';
import { SeenRecords } from './seen-records.ts';

test('a record that is as it was is the same object, another version or another content is another one', () => {
  const seen = new SeenRecords();
  const first = seen.same('jobs/a/record', 7, 'one');
  expect(first).toEqual({ key: 'jobs/a/record', value: 'one', version: 7 });
  expect(seen.same('jobs/a/record', 7, 'one')).toBe(first);
  expect(seen.same('jobs/b/record', 7, 'other')).toEqual({ key: 'jobs/b/record', value: 'other', version: 7 });
  // Of a store that went back: the same version a second time, and a lower one (R12).
  expect(seen.same('jobs/b/record', 7, 'one more').value).toBe('one more');
  expect(seen.same('jobs/a/record', 6, 'older')).toEqual({ key: 'jobs/a/record', value: 'older', version: 6 });
  expect(seen.same('jobs/a/record', 7, 'one again').value).toBe('one again');
});

test('what was not seen for longest is forgotten', () => {
  const seen = new SeenRecords();
  const records = Array.from({ length: 20_000 }, (_, at) => seen.same(`results/${at}`, 1, ''));
  expect(seen.same('results/0', 1, '')).toBe(records[0]);
  seen.same('results/new', 1, '');
  expect(seen.same('results/0', 1, '')).toBe(records[0]);
  expect(seen.same('results/2', 1, '')).toBe(records[2]);
  expect(seen.same('results/1', 1, '')).not.toBe(records[1]);
});
