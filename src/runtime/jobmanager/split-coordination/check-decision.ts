import { MillraceError } from '../../../foundation/common/errors.ts';
import type { EnumeratorDecision } from '../../../pipeline/connectors/source.ts';

/** Users write enumerators: what they return is looked at before a split is lost by it. Errors: BAD_JOB. */
export const checkDecision = (method: string, returned: unknown, parallelism: number): EnumeratorDecision => {
  if (typeof returned !== 'object' || returned === null) {
    throw wrong(method, `returned ${String(returned)}`, 'an object with "assign", "noMoreSplits", both or none');
  }
  const { assign = [], noMoreSplits = [] } = returned as { readonly assign?: unknown; readonly noMoreSplits?: unknown };
  if (!Array.isArray(assign) || !Array.isArray(noMoreSplits)) {
    throw wrong(method, 'returned "assign" or "noMoreSplits" that is no array', 'arrays');
  }
  const checkSubtask = (subtask: unknown): void => {
    if (!Number.isInteger(subtask) || (subtask as number) < 0 || (subtask as number) >= parallelism) {
      throw wrong(method, `names the reader ${String(subtask)}`, `readers from 0 to ${parallelism - 1}`);
    }
  };
  for (const entry of assign as readonly { readonly subtask?: unknown; readonly splits?: unknown }[]) {
    checkSubtask(entry?.subtask);
    checkSplits(method, entry.splits);
  }
  noMoreSplits.forEach(checkSubtask);
  return returned;
};

/** Errors: BAD_JOB. */
export const checkSplits = (method: string, splits: unknown): void => {
  if (!Array.isArray(splits)) {
    throw wrong(method, `returned ${String(splits)} as splits`, 'an array of splits');
  }
  for (const split of splits as readonly { readonly id?: unknown }[]) {
    if (typeof split?.id !== 'string') {
      throw wrong(method, 'returned a split without an id', 'objects with a stable "id", a text');
    }
  }
};

const wrong = (method: string, what: string, allowed: string): MillraceError =>
  new MillraceError('BAD_JOB', `its ${method} ${what}; allowed: ${allowed}`);
