/** Time and timers are parameters, so that the simulation can run them. */
export interface TimerHandle {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970, for users' eyes and processing-time semantics. */
  now(): number;
  /** Milliseconds that only grow, for durations and deadlines. */
  monotonic(): number;
  after(delayMs: number, run: () => void): TimerHandle;
}
