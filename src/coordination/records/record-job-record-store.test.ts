import { expect, test } from 'vitest';
import type { JobId } from '../../foundation/common/ids.ts';
import { RecordJobRecordStore } from './record-job-record-store.ts';
import { RecordMap } from './record-map.ts';
import type { RecordChange, RecordStore, TransactionOutcome } from './record-store.ts';

const JOB = 'a'.repeat(32) as JobId;
const LEADERSHIP = { lineage: 'store', epoch: 1, sessionId: 's', grantedAtMs: 0 };
const UNDECIDED: TransactionOutcome = { outcome: 'undecided', error: { name: 'Error', message: 'no answer' } };

/** Writes all, and says so only of some. */
const storeThatLosesAnswers = (map: RecordMap, isLost: () => boolean): RecordStore => ({
  get: (key) => Promise.resolve(map.get(key)),
  list: (prefix) => Promise.resolve(map.list(prefix)),
  transact: (_leadership, changes: readonly RecordChange[]) => {
    map.change(changes);
    return Promise.resolve(isLost() ? UNDECIDED : { outcome: 'written' });
  },
  settle: () => Promise.resolve(),
  watch: () => ({ end: () => undefined }),
});

test('a mark that is repeated because its answer was lost is one mark (R13)', async () => {
  const map = new RecordMap();
  let lost = 3;
  const open = (): RecordJobRecordStore =>
    new RecordJobRecordStore(
      storeThatLosesAnswers(map, () => lost-- > 0),
      LEADERSHIP,
      JOB,
    );
  const first = open();
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(first.markLoading()).rejects.toMatchObject({ code: 'STORE_AWAY' });
  }
  expect(await first.markLoading()).toBe(1);
  expect(await first.markLoading()).toBe(2);
  expect(await open().markLoading()).toBe(3);
});
