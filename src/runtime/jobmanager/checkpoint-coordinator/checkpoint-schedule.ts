/** What the coordinator is configured with. */
export interface CheckpointSchedulePlan {
  /** `undefined`: only what is asked for. */
  readonly intervalMs: number | undefined;
  readonly minPauseMs: number;
  /** When the first one is due, in monotonic time; `undefined`: an interval after all tasks run. */
  readonly firstDueMs: number | undefined;
}

/** After a failed try what waits for no interval is tried again so late at the earliest. */
const RETRY_MS = 1_000;

/** When the next checkpoint is due, in monotonic time. */
export class CheckpointSchedule {
  readonly #plan: CheckpointSchedulePlan;
  #dueMs: number | undefined;
  #pauseUntilMs = Number.NEGATIVE_INFINITY;
  #endRetryMs = Number.NEGATIVE_INFINITY;
  #urgentRetryMs = Number.NEGATIVE_INFINITY;

  constructor(plan: CheckpointSchedulePlan) {
    this.#plan = plan;
  }

  get isPeriodic(): boolean {
    return this.#plan.intervalMs !== undefined;
  }

  /**
   * All tasks run. The first time an interval begins; after a restart, or under a new leader, the interval goes on, and what is
   * overdue is taken at once: a job that fails more often than the interval would never get a checkpoint otherwise.
   */
  running(nowMs: number): void {
    if (this.#plan.intervalMs !== undefined) {
      this.#dueMs ??= this.#plan.firstDueMs ?? nowMs + this.#plan.intervalMs;
    }
  }

  triggered(nowMs: number): void {
    if (this.#plan.intervalMs !== undefined) {
      this.#dueMs = nowMs + this.#plan.intervalMs;
    }
  }

  /** A checkpoint was completed or given up. */
  decided(nowMs: number, completed: boolean): void {
    this.#pauseUntilMs = nowMs + this.#plan.minPauseMs;
    this.#endRetryMs = completed ? Number.NEGATIVE_INFINITY : nowMs + Math.min(this.#plan.intervalMs ?? 0, RETRY_MS);
    this.#urgentRetryMs = completed ? Number.NEGATIVE_INFINITY : nowMs + RETRY_MS;
  }

  /** When one may be taken for which nothing is too early. */
  get urgentMs(): number {
    return this.#urgentRetryMs;
  }

  /** `atEnd`: all tasks wait for the checkpoint that covers their end, which waits for no interval. */
  nextMs(atEnd: boolean): number {
    if (this.#plan.intervalMs === undefined || this.#dueMs === undefined) {
      return Number.POSITIVE_INFINITY;
    }
    return atEnd ? this.#endRetryMs : Math.max(this.#dueMs, this.#pauseUntilMs);
  }
}
