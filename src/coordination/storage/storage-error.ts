import { MillraceError } from '../../foundation/common/errors.ts';

/** What a file holds cannot be used: the job that it belongs to is set aside (R5). */
export const brokenStorageFile = (path: string, problem: string, cause?: unknown): MillraceError =>
  new MillraceError('CORRUPT_DATA', `the file ${path} cannot be used: ${problem}; put it back from a copy`, { cause });
