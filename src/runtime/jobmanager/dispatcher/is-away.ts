import { codeOf } from '../../../foundation/common/errors.ts';

/** Whether what could not be read or written may be there again later without anybody doing anything (R5). */
export const isAway = (thrown: unknown): boolean => {
  const code = codeOf(thrown);
  const isRetryable =
    typeof thrown === 'object' && thrown !== null && 'retryable' in thrown && thrown.retryable === true;
  return code === 'STORE_AWAY' || code === 'FILESYSTEM' || isRetryable;
};
