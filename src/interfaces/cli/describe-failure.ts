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
  const placed = place === undefined || message.includes(place) ? message : `${message}\n    at ${place}`;
  return userCauses(error).reduce(
    (text, { message: cause }) => (cause === '' || text.includes(cause) ? text : `${text}\n  caused by: ${cause}`),
    placed,
  );
};

/** What user code gave its own errors as cause; what Millrace wraps has its causes in the message. */
const userCauses = (error: ErrorInfo, isUsers = false): readonly ErrorInfo[] => {
  const { cause } = error;
  const isOwn = isUsers || error.name !== 'MillraceError';
  return cause === undefined ? [] : [...(isOwn ? [cause] : []), ...userCauses(cause, isOwn)];
};

/** Every stack there is, for `MILLRACE_STACK_TRACES`. */
export const allStacks = (error: ErrorInfo): string =>
  [error.stack ?? error.message, ...(error.cause === undefined ? [] : [`caused by ${allStacks(error.cause)}`])].join(
    '\n',
  );

/** Where in the user's code it came from: of the first error that is not Millrace's, else of the innermost cause that knows. */
const userPlace = (error: ErrorInfo): string | undefined => {
  if (error.name !== 'MillraceError') {
    return ownPlace(error) ?? deeperPlace(error);
  }
  return deeperPlace(error) ?? ownPlace(error);
};

const deeperPlace = ({ cause }: ErrorInfo): string | undefined => (cause === undefined ? undefined : userPlace(cause));

const ownPlace = ({ stack }: ErrorInfo): string | undefined => {
  const [frame] = stack === undefined ? [] : userFrames(stack);
  return frame === undefined ? undefined : formatFrame(frame);
};
