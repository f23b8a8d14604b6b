import { z } from 'zod';
import { type ErrorCode, type ErrorInfo, MillraceError } from './errors.ts';

/** For messages that carry an error. */
export const errorInfoSchema: z.ZodType<ErrorInfo> = z.object({
  name: z.string(),
  message: z.string(),
  code: z.exactOptional(z.string()),
  retryable: z.exactOptional(z.literal(true)),
  stack: z.exactOptional(z.string()),
  get cause() {
    return z.exactOptional(errorInfoSchema);
  },
});

/**
 * The error again, thrown on this side: with its code and cause if it was a `MillraceError`, else REMOTE_FAILED with its
 * name and stack, for then it is a mistake in the other side's code.
 */
export const errorFromInfo = (info: ErrorInfo): MillraceError => {
  const options = {
    retryable: info.retryable ?? false,
    ...(info.cause === undefined ? {} : { cause: causeFromInfo(info.cause) }),
  };
  return info.name === 'MillraceError' && info.code !== undefined
    ? new MillraceError(info.code as ErrorCode, info.message, options)
    : new MillraceError('REMOTE_FAILED', `${info.name}: ${info.message}`, { ...options, cause: causeFromInfo(info) });
};

const causeFromInfo = (info: ErrorInfo): Error => {
  if (info.name === 'MillraceError') {
    return errorFromInfo(info);
  }
  const cause = info.cause === undefined ? undefined : { cause: causeFromInfo(info.cause) };
  const error = Object.assign(new Error(info.message, cause), info.code === undefined ? {} : { code: info.code });
  for (const [key, value] of [['name', info.name] as const, ['stack', info.stack] as const]) {
    Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
  }
  return error;
};
