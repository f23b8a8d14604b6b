import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordMap } from './record-map.ts';
import type { RecordChange, StoredRecord } from './record-store.ts';

const part = fc.constantFrom('', 'a', 'ab', 'b', 'jobs');
const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const change: fc.Arbitrary<RecordChange> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, value: fc.string({ maxLength: 2 }) }),
  fc.record({
    kind: fc.constant('put' as const),
    key,
    value: fc.constant('x'),
    expected: fc.constant('absent' as const),
  }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('delete-all' as const), prefix: key }),
);

const beginning = (records: Iterable<StoredRecord>, prefix: string): readonly StoredRecord[] =>
  [...records].filter((record) => record.key.startsWith(prefix)).sort((one, other) => (one.key < other.key ? -1 : 1));

/** What a look at all records would give. */
const carryOut = (records: Map<string, StoredRecord>, done: RecordChange, version: number): void => {
  if (done.kind === 'put') {
    records.set(done.key, { key: done.key, value: done.value, version });
  } else if (done.kind === 'delete') {
    records.delete(done.key);
  } else if (done.kind === 'delete-all') {
    beginning(records.values(), done.prefix).forEach((record) => records.delete(record.key));
  }
};

test('whatever is put and deleted: what is found by key and by beginning is what a look at all records finds', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.array(key, { minLength: 1 }), (changes, asked) => {
      const map = new RecordMap();
      const records = new Map<string, StoredRecord>();
      for (const one of changes) {
        if (map.change([one]) === undefined) {
          carryOut(records, one, map.revision);
        }
      }
      expect(map.list('')).toEqual(beginning(records.values(), ''));
      for (const prefix of asked) {
        expect(map.get(prefix)).toEqual(records.get(prefix));
        expect(map.list(prefix)).toEqual(beginning(records.values(), prefix));
      }
      expect(new RecordMap(map.list(''), map.revision).list('')).toEqual(map.list(''));
    }),
  );
});
