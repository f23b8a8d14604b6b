import { MillraceError } from '../../foundation/common/errors.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from './client/zookeeper-error.ts';

/** As the callers of the HA services know errors: STORE_AWAY where the same call may succeed later, else STORE_BROKEN. */
export const storeError = (error: unknown): unknown => {
  if (!(error instanceof ZooKeeperError)) {
    return error;
  }
  // A session that has ended is followed by a new one.
  const isAway = error.isRetryable || error.code === 'SESSION_EXPIRED' || error.code === 'SESSION_CLOSED';
  return isAway
    ? new MillraceError('STORE_AWAY', `ZooKeeper does not answer: ${error.message}`, { cause: error, retryable: true })
    : new MillraceError('STORE_BROKEN', `ZooKeeper cannot be used as HA store: ${error.message}`, { cause: error });
};

/** Rejects with errors of the HA services. */
export const storeCall = async <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw storeError(error);
  }
};

export const isCode = (error: unknown, ...codes: readonly ZooKeeperErrorCode[]): boolean =>
  error instanceof ZooKeeperError && codes.includes(error.code);

/** `undefined` where there is no such node. */
export const ifThere = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read;
  } catch (error) {
    if (isCode(error, 'NO_NODE')) {
      return undefined;
    }
    throw error;
  }
};

/** Calls that were made in one go, so that they travel together: all have ended when one error of them is thrown. */
export const together = async <T extends readonly Promise<unknown>[]>(
  ...calls: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(calls);
  return Promise.all(calls);
};
