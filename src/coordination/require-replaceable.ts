import { MillraceError } from '../foundation/common/errors.ts';
import type { AcceptedIntent, JobIntent } from './job-record-store.ts';

const UNDER_WAY: Readonly<Record<AcceptedIntent['kind'], string>> = {
  cancel: 'cancelled',
  stop: 'stopped',
  rescale: 'rescaled',
  'restart-from': 'restarted',
};

/** What was accepted happens (I12): only a cancel takes the place of what is not settled. Throws JOB_NOT_RUNNING. */
export const requireReplaceable = (before: JobIntent, next: AcceptedIntent): void => {
  // The same one again is a repeat after an unclear outcome.
  if (next.kind !== 'cancel' && before.kind !== 'run' && before.requestId !== next.requestId) {
    throw new MillraceError('JOB_NOT_RUNNING', `the job is being ${UNDER_WAY[before.kind]} already`);
  }
};
