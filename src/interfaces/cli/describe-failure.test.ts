import { expect, test } from 'vitest';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import { describeFailure } from './describe-failure.ts';

const thrownAt = (error: Error, place: string): Error => {
  error.stack = `${error.name}: ${error.message}\n    at call (${process.cwd()}/${place})`;
  return error;
};

const CAUSE = thrownAt(new Error('connection refused'), 'node_modules/pkg/net.js:1:1');
const USERS = thrownAt(new TypeError('no page 7', { cause: CAUSE }), 'jobs/pages.ts:12:5');
const failed = (cause: Error): Error =>
  // Its stack goes through the operator before, which called this one.
  thrownAt(
    new MillraceError('TASK_FAILED', `operator 'map' failed: ${cause.message}`, { cause }),
    'jobs/before.ts:3:1',
  );

test('the place is that of the error of the user, and its causes are told', () => {
  const expected = `operator 'map' failed: no page 7\n    at call (jobs/pages.ts:12:5)\n  caused by: connection refused`;
  expect(describeFailure(failed(USERS))).toBe(expected);
  expect(describeFailure(errorInfo(failed(USERS)))).toBe(expected);
});

test('the place of a cause stands in for an error that knows none', () => {
  const outer = new TypeError('no page 7', { cause: thrownAt(new Error('no page 7'), 'jobs/pages.ts:4:4') });
  outer.stack = 'TypeError: no page 7';
  expect(describeFailure(failed(outer))).toBe(`operator 'map' failed: no page 7\n    at call (jobs/pages.ts:4:4)`);
});

test('an error of Millrace below another has the place', () => {
  const inner = thrownAt(new MillraceError('BAD_RECORD', 'record.a is a function'), 'jobs/emit.ts:9:9');
  expect(describeFailure(failed(inner))).toBe(
    `operator 'map' failed: record.a is a function\n    at call (jobs/emit.ts:9:9)`,
  );
});
