import { expect } from 'vitest';
import type { ClusterUnderTest } from './cluster-under-test.ts';

/** Each checkpoint completes once, and whoever does not lead triggers none; of the JobManagers that run. */
export const expectOneLeaderAtATime = (current: ClusterUnderTest): void => {
  const completed = current.said(/Completed checkpoint/).map((line) => /checkpoint \d+ for job \w+/.exec(line)?.[0]);
  expect(new Set(completed).size).toBe(completed.length);
  for (const name of current.running.filter((each) => each.startsWith('jobmanager'))) {
    let isLeader = false;
    for (const line of current.logOf(name).split('\n')) {
      isLeader = line.includes('was granted leadership') || (isLeader && !line.includes('was revoked leadership'));
      if (line.includes('Triggering checkpoint')) {
        expect({ line, isLeader }).toEqual({ line, isLeader: true });
      }
    }
  }
};
