import type { Clock } from '../../foundation/common/clock.ts';

/** What a decision core knows of time. */
export interface Instant {
  /** Milliseconds since 1970, for people and file contents. */
  readonly wallMs: number;
  /** Only grows; all deadlines are in this time. */
  readonly monotonicMs: number;
}

export const instantOf = (clock: Clock): Instant => ({ wallMs: clock.now(), monotonicMs: clock.monotonic() });
