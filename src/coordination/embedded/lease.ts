import { assert } from '../../foundation/common/assert.ts';

/** The times of the election, all in milliseconds. */
export interface Lease {
  /** A leader that gave no sign of life for so long is replaced. */
  readonly durationMs: number;
  /** The leader's own certainty ends so much before the lease of the others. */
  readonly marginMs: number;
  /** Between two signs of life of a leader that has nothing else to write. */
  readonly renewalMs: number;
  /** Between two ticks of the leader's thread, and between two looks of a stand-in at them. */
  readonly tickMs: number;
  /** So long a stand-in waits for a sign of life in the store before it gives one. */
  readonly patienceMs: number;
  /** A leader whose own thread had no write answered for so long is not stood in for any more: it hangs. */
  readonly hangMs: number;
  /** Between two signs of life of a contender in the queue. */
  readonly queueMs: number;
  /** A contender that was silent for so long is not waited for. */
  readonly silenceMs: number;
}

/** The shares that keep their order whatever duration a user sets. */
export const leaseOf = (durationMs: number): Lease => {
  assert(durationMs > 0, 'a lease has a duration');
  return {
    durationMs,
    marginMs: durationMs / 5,
    renewalMs: durationMs / 5,
    tickMs: durationMs / 20,
    patienceMs: (2 * durationMs) / 5,
    hangMs: 2 * durationMs,
    queueMs: durationMs,
    silenceMs: 3 * durationMs,
  };
};
