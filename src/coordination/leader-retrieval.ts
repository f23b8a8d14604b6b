import type { LeaderInformation } from './leadership.ts';
import type { Subscription } from './subscription.ts';

/** Who leads, for TaskManagers, standbys and the CLI. Only leaders that have published (R14) are seen here. */
export interface LeaderRetrieval {
  /** As last seen; `undefined` when nobody leads or nobody has been seen yet. Never waits. */
  readonly current: LeaderInformation | undefined;
  /** A read that is not stale. Errors: STORE_AWAY, STORE_BROKEN. */
  read(): Promise<LeaderInformation | undefined>;
  /**
   * Calls at once with what is known, then with each change; what follows quickly may be seen as one. `undefined`: the leader
   * gave up or lost its claim, and no other has published yet.
   */
  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription;
}
