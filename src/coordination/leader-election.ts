import type { LeaderEndpoints, LeaderInformation, Leadership } from './leadership.ts';

/**
 * Who leads. One election for each cluster; all parts of a JobManager share the process's one candidacy.
 *
 * Nobody ever knows for sure that it still leads, so nothing is safe because of what is said here: safety is the check in
 * each write (I1) and the epoch in each message (I2). What is said here keeps a leader that was cut off from working in vain.
 */
export interface LeaderElection {
  /** Takes a place in the queue; resolves when the store has it. One candidacy for each election object. */
  join(contender: Contender): Promise<Candidacy>;
}

/** What a JobManager does about it. Callbacks come one at a time, never from within a call of the candidacy. */
export interface Contender {
  readonly endpoints: LeaderEndpoints;
  /**
   * From now on this process leads. It fences and reads (R14), then publishes. The epoch counts from the moment of the
   * grant in the store, which lies before this call.
   */
  granted(leadership: Leadership): void;
  /**
   * The certainty has ended: no write was answered for too long. Stop acting; whether leadership is lost is not known yet.
   * `certain` or `revoked` follows.
   */
  uncertain(leadership: Leadership): void;
  /** A write was answered: it still leads and goes on. Only after `uncertain`. */
  certain(leadership: Leadership): void;
  /** It leads no longer: step down, become a standby, do not exit. The candidacy has queued again, unless it left. */
  revoked(leadership: Leadership, reason: RevocationReason): void;
  /** Whom a standby watches; `undefined`: nobody claims to lead. Also this process itself. */
  leaderChanged?(leader: LeaderInformation | undefined): void;
}

/**
 * - `expired`: others saw no renewal for a whole lease; `suspected`: a standby ended the claim;
 * - `raised`: a grant of a higher epoch to this same process follows (R12);
 * - `resigned`, `left`: by its own wish.
 */
export type RevocationReason = 'expired' | 'suspected' | 'raised' | 'resigned' | 'left';

export interface Candidacy {
  /** While it leads, certain or not. */
  readonly leadership: Leadership | undefined;
  readonly isCertain: boolean;
  /** Whom the store names, as last seen. */
  readonly leader: LeaderInformation | undefined;
  /**
   * Living contenders before this one; 0: the first. `undefined`: it leads, or is not in the queue. Whoever sees a leader die
   * acts at once if it is the first, each next one `SUSPICION_STEP_MS` later than the one before it.
   */
  readonly queuePosition: number | undefined;
  /**
   * Makes the endpoints visible to `LeaderRetrieval`; after the fencing reads (R14). LEADERSHIP_LOST when another was
   * granted meanwhile.
   */
  publish(leadership: Leadership): Promise<void>;
  /**
   * The caller has seen the connection of this leader close, and the process did not answer again within 50 ms: ends its
   * claim now. Safe when wrong (I1, R1); not to be called for silence. Errors: STORE_AWAY.
   */
  suspect(leader: Leadership): Promise<SuspicionOutcome>;
  /**
   * Leads under a higher epoch of the same lineage than `above`, as a new grant (R12): `revoked` with `raised`, then
   * `granted`. LEADERSHIP_LOST when it no longer leads.
   */
  raise(leadership: Leadership, above: number): Promise<void>;
  /** Gives leadership up at once and queues again, at the end. A standby's call changes nothing. */
  resign(): Promise<void>;
  /** Gives leadership and the place in the queue up, and ends the candidacy. */
  leave(): Promise<void>;
}

/**
 * - `ended`: the claim is over, by this call or before it; `granted` comes to whoever was granted next;
 * - `alive`: the store has a sign of life of that leader from after the call: nothing was done;
 * - `backing-off`: suspicions hit a living leader lately, the fast way is closed for so long; the lease decides.
 */
export type SuspicionOutcome =
  | { readonly outcome: 'ended' }
  | { readonly outcome: 'alive' }
  | { readonly outcome: 'backing-off'; readonly remainingMs: number };

/** How much later each next contender in the queue acts on the death of a leader. */
export const SUSPICION_STEP_MS = 100;

/** The fast way stays closed for so long after a false alarm, doubling with each further one ... */
export const FALSE_ALARM_BACKOFF_MIN_MS = 10_000;
/** ... up to this. */
export const FALSE_ALARM_BACKOFF_MAX_MS = 600_000;
