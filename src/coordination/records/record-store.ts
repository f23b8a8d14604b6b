import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { Leadership } from '../leadership.ts';
import type { Subscription } from '../subscription.ts';

/**
 * What an implementation has to bring so that the typed stores of this folder work on it: small texts by key, changed in
 * transactions that check leadership (I1). Keys are parts joined by `/`, as the nodes of ZooKeeper. A transaction stays within one
 * job's keys and the cluster's own.
 */
export interface RecordStore {
  /** Under a leadership that was granted to this process: not stale (R14). Errors: STORE_AWAY, STORE_BROKEN. */
  get(key: string): Promise<StoredRecord | undefined>;
  /** All whose key begins with `prefix`, ascending by key, as of one moment. */
  list(prefix: string): Promise<readonly StoredRecord[]>;
  /** All changes or none. Never rejects. */
  transact(leadership: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome>;
  /**
   * Resolves when nothing that this process sent before can still be written (R2), so that a read afterwards decides how an
   * `undecided` transaction ended. Errors: STORE_AWAY.
   */
  settle(): Promise<void>;
  /** A hint that records have changed. */
  watch(changed: () => void): Subscription;
}

export interface StoredRecord {
  readonly key: string;
  readonly value: string;
  /** Never the same for two contents of one key. */
  readonly version: number;
}

export type RecordChange =
  /** `expected`: the version that is replaced, or `absent`; without it whatever is there. */
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly expected?: number | 'absent' }
  /** Without `expected` a missing record is no conflict. */
  | { readonly kind: 'delete'; readonly key: string; readonly expected?: number }
  /** All whose key begins with `prefix`. */
  | { readonly kind: 'delete-all'; readonly prefix: string }
  /** Changes nothing; the transaction fails where it is otherwise. */
  | { readonly kind: 'require'; readonly key: string; readonly expected: number | 'absent' };

export type TransactionOutcome =
  | { readonly outcome: 'written' }
  /** What was expected of this key is not so; nothing was written. */
  | { readonly outcome: 'conflict'; readonly key: string }
  /** The failed check of leadership (I1), and only that; nothing was written. */
  | { readonly outcome: 'leadership-lost' }
  /** Proves nothing (R2). */
  | { readonly outcome: 'undecided'; readonly error: ErrorInfo };
