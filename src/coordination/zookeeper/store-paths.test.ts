import { expect, test } from 'vitest';
import { storePathsOf } from './store-paths.ts';

test.each(['/leader', '/jobs', '/jobs/plans', '/results', '/locks/a', '/'])(
  '%s is no place for submitted jobs',
  (path) => {
    expect(() => storePathsOf('/flink/prod', path)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(path) as string }),
    );
  },
);

test.each(['/execution-plans', '/jobgraphs', '/leaders', '/a/leader'])('%s is one', (path) => {
  const paths = storePathsOf('/flink/prod', path);
  const node = paths.ofRecord('execution-plans/a');
  expect(node).toBe(`/flink/prod${path}/a`);
  expect(paths.keyOf(node)).toBe('execution-plans/a');
  expect(paths.ofRecord('execution-plans')).toBe(`/flink/prod${path}`);
  expect(paths.recordFolders).toContain(`/flink/prod${path}`);
});
