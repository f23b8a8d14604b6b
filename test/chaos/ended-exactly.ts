import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { recount } from './recount.mjs';

/** Lets a job that looks for the file `end` in its folder come to its end, and recounts what it committed. */
export const endedExactly = async (cluster: ClusterUnderTest, jobId: string, work: string): Promise<void> => {
  writeFileSync(join(work, 'end'), '');
  await cluster.until(
    'the job has finished',
    () => cluster.said(new RegExp(`\\(${jobId}\\) switched from state \\w+ to FINISHED`)).length > 0,
  );
  const count = Number(readFileSync(join(work, 'total'), 'utf8'));
  expect(recount(work, count)).toEqual({ expected: count, committed: count, repeated: 0, missing: 0, unexpected: 0 });
};
