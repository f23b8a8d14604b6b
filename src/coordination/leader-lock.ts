/** A named lock among what one leader does at the same time; its end is that of the leadership. */
export interface LeaderLock {
  /**
   * `undefined` when this leadership holds it already. A lock of an earlier leadership is taken over: that one's holder cannot
   * write any more (I1).
   */
  acquire(): Promise<HeldLock | undefined>;
}

export interface HeldLock {
  /** Raised with each acquisition; for fencing what is not in the store. */
  readonly token: number;
  release(): Promise<void>;
}
