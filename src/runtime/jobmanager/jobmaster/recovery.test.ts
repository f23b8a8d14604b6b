import { expect, test } from 'vitest';
import { checkpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { firstDueInMs } from './recovery.ts';

const generation = { epoch: 1, number: 1 };
const started = { regions: new Map(), newest: generation, taskManagers: [] };
const completed = (id: number, triggeredMs: number): CompletedCheckpoint =>
  ({ checkpointId: checkpointId(id), metadata: { triggeredMs } }) as CompletedCheckpoint;

test.each([
  ['what is left of it', 4, 10_200, 800],
  ['nothing when it is over', 4, 12_000, 0],
  ['nothing when a checkpoint was pending (R10)', 5, 10_200, 0],
  ['no more than an interval, whatever the clocks say', 4, 9_000, 1_000],
])('under a new leader the interval goes on: %s', (_, floor, nowMs, dueInMs) => {
  expect(firstDueInMs({ completed: [completed(4, 10_000)], floor, started }, 1_000, nowMs)).toBe(dueInMs);
});

test('a job that was never started, or has no interval, begins with its tasks', () => {
  const never = { ...started, newest: undefined };
  expect(firstDueInMs({ completed: [], floor: 0, started: never }, 1_000, 5_000)).toBeUndefined();
  expect(firstDueInMs({ completed: [], floor: 0, started }, undefined, 5_000)).toBeUndefined();
  expect(firstDueInMs({ completed: [], floor: 0, started }, 1_000, 5_000)).toBe(0);
});
