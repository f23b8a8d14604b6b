import { expect, test } from 'vitest';
import { EMPTY_JOB_RECORD, type JobRecordStore } from '../../../coordination/job-record-store.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { OwnLoadingMarks } from './own-loading-marks.ts';

const JOB = 'f'.repeat(32) as JobId;

/** The marks of a record, as all processes see them. */
class Record {
  marks = 0;
  /** The answer to a mark does not come: this process is paused, and leads no more when it is woken. */
  isPaused = false;

  get store(): JobRecordStore {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      read: () => Promise.resolve({ ...EMPTY_JOB_RECORD, loadingMarks: this.marks }),
      recordGeneration: nothing,
      settleIntent: () => Promise.resolve(),
      recordIntent: nothing,
      recordGraphVersion: nothing,
      markLoading: () => {
        this.marks++;
        return this.isPaused
          ? Promise.reject(new MillraceError('LEADERSHIP_LOST', 'another leads'))
          : Promise.resolve(this.marks);
      },
      clearLoading: () => {
        this.marks = 0;
        return Promise.resolve();
      },
    };
  }
}

const setUp = () => {
  const record = new Record();
  const store = new OwnLoadingMarks().leftOutOf(record.store, JOB);
  return { record, store, read: async (): Promise<number> => (await store.read()).loadingMarks };
};

test('marks of this process do not count, those of others do', async () => {
  const { record, store, read } = setUp();
  await store.markLoading();
  record.marks++;
  await store.markLoading();
  expect(await read()).toBe(1);
});

test('nor does one whose answer never came', async () => {
  const { record, store, read } = setUp();
  record.isPaused = true;
  await expect(store.markLoading()).rejects.toThrow('another leads');
  expect([record.marks, await read()]).toEqual([1, 0]);
});

test('what is cleared, by this process or another one, is not left out of later marks', async () => {
  const { record, store, read } = setUp();
  await store.markLoading();
  await store.clearLoading();
  record.marks = 1;
  expect(await read()).toBe(1);
  await store.markLoading();
  record.marks = 0;
  await read();
  record.marks = 2;
  expect(await read()).toBe(2);
});
