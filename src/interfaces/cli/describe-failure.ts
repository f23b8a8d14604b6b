import { errorInfo } from '../../foundation/common/errors.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import { formatFrame, userFrames } from './bundle/user-frames.ts';

const isErrorInfo = (thrown: unknown): thrown is ErrorInfo =>
  typeof thrown === 'object' && thrown !== null && 'message' in thrown && 'name' in thrown;

/** The message of an error for a person, with the user's own file and line where they are known; never a whole stack. */
export const describeFailure = (thrown: unknown): string => {
  const error = thrown instanceof Error ? errorInfo(thrown) : isErrorInfo(thrown) ? thrown : errorInfo(thrown);
  return withUserPlace(error.message, error);
};

/** A message about an error, with the place in the user's code that it came from. */
export const withUserPlace = (message: string, error: ErrorInfo): string => {
  const place = userPlace(error);
  return place === undefined || message.includes(place) ? message : `${message}\n    at ${place}`;
};

/** Every stack there is, for `MILLRACE_STACK_TRACES`. */
export const allStacks = (error: ErrorInfo): string =>
  [error.stack ?? error.message, ...(error.cause === undefined ? [] : [`caused by ${allStacks(error.cause)}`])].join(
    '\n',
  );

/** Where in the user's code it came from: the innermost cause that knows. */
const userPlace = (error: ErrorInfo): string | undefined => {
  const deeper = error.cause === undefined ? undefined : userPlace(error.cause);
  if (deeper !== undefined || error.stack === undefined) {
    return deeper;
  }
  const [frame] = userFrames(error.stack);
  return frame === undefined ? undefined : formatFrame(frame);
};
