import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { LogEntry, Transaction } from './log-entry.ts';
import type { TransactionResult } from './store-state.ts';

export type AppendOutcome =
  | {
      readonly kind: 'decided';
      readonly result: TransactionResult;
      /** On the monotonic clock, before the write left. */
      readonly sentAtMs: number;
    }
  /** Proves nothing (R2). */
  | { readonly kind: 'undecided'; readonly error: ErrorInfo };

/** What waits to be written. */
export interface Waiting {
  readonly transaction: Transaction;
  readonly resolve: (outcome: AppendOutcome) => void;
}

/** One attempt to write an entry. */
export interface Attempt {
  readonly entry: LogEntry;
  /** Set when the entry has been met in the log. */
  results: readonly TransactionResult[] | undefined;
  /** Its number was passed by reading a snapshot, which does not say whose entry it was. */
  isPassedUnseen: boolean;
}
