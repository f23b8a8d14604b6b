import { errorInfo } from '../../foundation/common/errors.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import { formatFrame, userFrames } from './bundle/user-frames.ts';

const isErrorInfo = (thrown: unknown): thrown is ErrorInfo =>
  typeof thrown === 'object' && thrown !== null && 'message' in thrown && 'name' in thrown;

/** The message of an error for a person, with the user's own file and line where they are known; never a whole stack. */
export const describeFailure = (thrown: unknown): string => {
  const error = thrown instanceof Error ? errorInfo(thrown) : isErrorInfo(thrown) ? thrown : errorInfo(thrown);
  const place = userPlace(error);
  return place === undefined || error.message.includes(place) ? error.message : `${error.message}\n    at ${place}`;
};

/** Where in the user's code it came from: the innermost cause that knows. */
const userPlace = (error: ErrorInfo): string | undefined => {
  const deeper = error.cause === undefined ? undefined : userPlace(error.cause);
  if (deeper !== undefined || error.stack === undefined) {
    return deeper;
  }
  const [frame] = userFrames(error.stack);
  return frame === undefined ? undefined : formatFrame(frame);
};
