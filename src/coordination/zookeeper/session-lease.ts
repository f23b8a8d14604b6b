/** What a leader makes of the timeout of its session, all in milliseconds. */
export interface SessionLease {
  /** Without a sign of life for so long the ensemble ends the session, and the leader's place in the queue with it. */
  readonly durationMs: number;
  /** The leader's own certainty ends so much before. */
  readonly marginMs: number;
  /** Between two writes of a leader that has nothing else to write. */
  readonly renewalMs: number;
}

/** The shares that keep their order whatever timeout the ensemble grants. */
export const sessionLeaseOf = (timeoutMs: number): SessionLease => ({
  durationMs: timeoutMs,
  marginMs: timeoutMs / 5,
  renewalMs: timeoutMs / 5,
});
