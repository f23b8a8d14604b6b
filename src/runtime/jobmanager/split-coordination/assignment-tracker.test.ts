import { expect, test } from 'vitest';
import { AssignmentTracker } from './assignment-tracker.ts';

test('a reader may get very many splits at once; what a restore takes from it again is what came since the checkpoint', () => {
  const many = Array.from({ length: 300_000 }, (_, index) => ({ id: `split-${index}` }));
  const tracker = new AssignmentTracker();
  tracker.assigned(0, many.slice(0, 1));
  tracker.triggered(1);
  tracker.assigned(0, many.slice(1));
  tracker.completed(1);
  expect(tracker.assignedTo(0)).toEqual(many.slice(1));
});
