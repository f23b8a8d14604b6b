import { MillraceError, type ErrorInfo } from '../../foundation/common/errors.ts';
import type { Leadership } from '../leadership.ts';
import type { TransactionOutcome } from './record-store.ts';

export const leadershipLost = ({ epoch }: Leadership, what: string): MillraceError =>
  new MillraceError(
    'LEADERSHIP_LOST',
    `cannot ${what}: this JobManager, granted epoch ${epoch}, leads no longer; the current leader does it when asked`,
  );

/** For what a transaction without expectations may end in. */
export const requireWritten = (outcome: TransactionOutcome, leadership: Leadership, what: string): void => {
  switch (outcome.outcome) {
    case 'written':
      return;
    case 'leadership-lost':
      throw leadershipLost(leadership, what);
    case 'undecided':
      throw undecided(outcome.error, what);
    case 'conflict':
      throw new MillraceError(
        'STORE_BROKEN',
        `cannot ${what}: ${outcome.key} was changed by somebody without leadership`,
      );
  }
};

export const undecided = (error: ErrorInfo, what: string): MillraceError =>
  new MillraceError('STORE_AWAY', `cannot say whether it happened to ${what}: ${error.message}; repeat it`, {
    cause: error,
    retryable: true,
  });
