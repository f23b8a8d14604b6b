/** `heartbeat.*` */
export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Heartbeats in a row that could not be sent before the other side counts as unreachable; -1 counts none. */
  readonly failureThreshold: number;
}

export interface HeartbeatLoss {
  readonly id: string;
  readonly kind: 'silent' | 'unreachable';
  /** Without the time in which this process did not run. */
  readonly silentMs: number;
}

export interface HeartbeatDecision {
  /** Heartbeats are due. */
  readonly beat: boolean;
  /** Not watched any more. */
  readonly lost: readonly HeartbeatLoss[];
  /** When to decide again, unless somebody is watched before. */
  readonly nextMs: number;
}

interface Watched {
  /** In time that this process was awake. */
  heardMs: number;
  failures: number;
}

/**
 * Decides who is dead, without clock or connections. Silence is measured in time that this process was awake: after it
 * was frozen, what the others have sent waits in its sockets, and nobody is declared dead before it could be read.
 */
export class HeartbeatCore {
  readonly #options: HeartbeatOptions;
  readonly #watched = new Map<string, Watched>();
  #lastTickMs: number;
  #expectedMs: number;
  #beatDueMs: number;
  /** Time that this process did not run, since the start. */
  #asleepMs = 0;
  /** The decision before this one came late, too. */
  #wasLate = false;

  constructor(options: HeartbeatOptions, nowMs: number) {
    this.#options = options;
    this.#lastTickMs = nowMs;
    this.#expectedMs = nowMs;
    this.#beatDueMs = nowMs;
  }

  get size(): number {
    return this.#watched.size;
  }

  /** Whoever is watched has just been heard. */
  watch(id: string, nowMs: number): void {
    if (this.#watched.size === 0) {
      // Nobody was watched, so there was no tick that could have been late.
      this.#lastTickMs = nowMs;
      this.#expectedMs = nowMs;
      this.#beatDueMs = nowMs;
      this.#wasLate = false;
    }
    this.#watched.set(id, { heardMs: nowMs - this.#asleepMs, failures: 0 });
  }

  forget(id: string): void {
    this.#watched.delete(id);
  }

  /** What became of a heartbeat. */
  beaten(id: string, wasSent: boolean): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined) {
      watched.failures = wasSent ? 0 : watched.failures + 1;
    }
  }

  /** `heardMs`: when anything was last heard of somebody, by the same clock. */
  tick(nowMs: number, heardMs: (id: string) => number): HeartbeatDecision {
    const { intervalMs } = this.#options;
    const lateMs = nowMs - this.#expectedMs;
    const lastAwakeMs = this.#lastTickMs - this.#asleepMs;
    const isLate = lateMs > intervalMs;
    if (isLate) {
      this.#asleepMs += lateMs;
    }
    const awakeMs = nowMs - this.#asleepMs;
    // A process that is always late is slow, not frozen: its second decision in a row counts.
    const mayDeclare = !isLate || this.#wasLate;
    const lost: HeartbeatLoss[] = [];
    let deadlineMs = Infinity;
    for (const [id, watched] of this.#watched) {
      const heard = heardMs(id);
      if (heard >= this.#lastTickMs) {
        // If there was a pause, this came before or after it; that it came after the last decision is sure.
        watched.heardMs = Math.max(lastAwakeMs, Math.min(awakeMs, heard - this.#asleepMs));
      }
      const loss = this.#lossOf(id, watched, awakeMs);
      if (loss !== undefined && mayDeclare) {
        lost.push(loss);
        this.#watched.delete(id);
      } else {
        deadlineMs = Math.min(deadlineMs, watched.heardMs + this.#options.timeoutMs + this.#asleepMs);
      }
    }
    const beat = nowMs >= this.#beatDueMs;
    if (beat) {
      this.#beatDueMs = nowMs + intervalMs;
    }
    this.#wasLate = isLate;
    this.#lastTickMs = nowMs;
    // Where a verdict was put off, what waits to be read gets one more interval.
    this.#expectedMs = Math.min(this.#beatDueMs, mayDeclare ? deadlineMs : nowMs + intervalMs);
    return { beat, lost, nextMs: this.#expectedMs };
  }

  #lossOf(id: string, { heardMs, failures }: Watched, awakeMs: number): HeartbeatLoss | undefined {
    const { timeoutMs, failureThreshold } = this.#options;
    const silentMs = awakeMs - heardMs;
    if (silentMs >= timeoutMs) {
      return { id, kind: 'silent', silentMs };
    }
    return failureThreshold >= 0 && failures > 0 && failures >= failureThreshold
      ? { id, kind: 'unreachable', silentMs }
      : undefined;
  }
}
