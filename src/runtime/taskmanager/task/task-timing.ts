import type { SliceResult } from './task.ts';

/** Where the time of a task goes: working, waiting for input, waiting for credit. */
export class TaskTiming {
  busyMs = 0;
  idleMs = 0;
  blockedMs = 0;
  #lastMs: number;
  #last: SliceResult = 'idle';
  #longestPauseMs = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** A slice begins: the time since the last one went where that one ended. */
  begin(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (this.#last === 'blocked') {
      this.blockedMs += passedMs;
    } else if (this.#last === 'idle') {
      this.idleMs += passedMs;
    }
  }

  end(nowMs: number, result: SliceResult): void {
    this.busyMs += nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#last = result;
  }

  paused(durationMs: number): void {
    this.#longestPauseMs = Math.max(this.#longestPauseMs, durationMs);
  }

  /** The longest pause since it was last asked for. */
  takeLongestPauseMs(): number {
    const longest = this.#longestPauseMs;
    this.#longestPauseMs = 0;
    return longest;
  }
}
