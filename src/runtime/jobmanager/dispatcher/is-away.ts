import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';

/** Whether what could not be read or written may be there again later without anybody doing anything (R5). */
export const isAway = (thrown: unknown): boolean => {
  const code = codeOf(thrown);
  return code === 'STORE_AWAY' || code === 'FILESYSTEM' || (thrown instanceof MillraceError && thrown.retryable);
};
