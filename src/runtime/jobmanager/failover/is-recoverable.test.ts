import { describe, expect, test } from 'vitest';
import { errorInfo, MillraceError } from '../../../foundation/common/errors.ts';
import { isRecoverable } from './is-recoverable.ts';

describe('isRecoverable', () => {
  test('an error of user code may go away with a restart', () => {
    expect(isRecoverable(errorInfo(new Error('boom')))).toBe(true);
    expect(isRecoverable(errorInfo(new MillraceError('WORKER_DIED', 'gone', { retryable: true })))).toBe(true);
  });

  test('a wrong job, option or record does not, however deep it is wrapped', () => {
    const bad = new MillraceError('BAD_RECORD', 'line 3 does not parse');
    expect(isRecoverable(errorInfo(bad))).toBe(false);
    expect(isRecoverable(errorInfo(new MillraceError('TASK_FAILED', 'operator failed', { cause: bad })))).toBe(false);
    expect(isRecoverable(errorInfo(new MillraceError('GRAPH_MISMATCH', 'another graph')))).toBe(false);
  });
});
