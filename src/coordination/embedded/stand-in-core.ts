import type { Lease } from './lease.ts';

/** What the thread of a leader shows of its life to a stand-in; the time is that of the stand-in's clock. */
export interface SignsOfLife {
  readonly epoch: number;
  /** How often its event loop has come to the timer that counts, one `Lease.tickMs` after the other. */
  readonly ticks: number;
  /** When it heard the newest answer to a write of its own. */
  readonly answeredAtMs: number;
}

/**
 * - `rest`: the leader's own writes are answered;
 * - `wait`: they are not, and nothing is to be done about it, or not yet;
 * - `renew`: the stand-in gives a sign of life.
 */
export type StandInDecision = 'rest' | 'wait' | 'renew';

/** A thread that gets to less than this share of its ticks cannot be relied on to write: that takes some ten turns of its loop. */
const HELD_UP_BELOW = 3 / 4;

/**
 * When a stand-in renews the lease, for one leadership. A thread whose ticks come is left alone, however long its write takes: its disk
 * is slow or away, for the stand-in too, and two writers would only take the numbers of the log from each other.
 */
export class StandInCore {
  readonly #lease: Lease;
  /** The looks of the last `patienceMs`, and one from before. */
  #looks: readonly { readonly atMs: number; readonly ticks: number }[] = [];
  #renewedAtMs = Number.NEGATIVE_INFINITY;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  look({ ticks, answeredAtMs }: SignsOfLife, nowMs: number): StandInDecision {
    const { patienceMs, hangMs, tickMs } = this.#lease;
    const looks = [...this.#looks, { atMs: nowMs, ticks }];
    const first = Math.max(
      0,
      looks.findLastIndex(({ atMs }) => atMs <= nowMs - patienceMs),
    );
    this.#looks = looks.slice(first);
    const oldest = looks[first]!;
    const silentMs = nowMs - answeredAtMs;
    if (silentMs < patienceMs) {
      return 'rest';
    }
    const watchedMs = nowMs - oldest.atMs;
    const isHeldUp = watchedMs >= patienceMs && ticks - oldest.ticks < (watchedMs / tickMs) * HELD_UP_BELOW;
    const isDue = nowMs - this.#renewedAtMs >= patienceMs;
    return isHeldUp && isDue && silentMs < hangMs ? 'renew' : 'wait';
  }

  /** It gave a sign of life, which was answered. */
  renewed(nowMs: number): void {
    this.#renewedAtMs = nowMs;
  }
}
