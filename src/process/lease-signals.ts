import type { StandInAnswer } from '../coordination/embedded/lease-stand-in.ts';
import type { SignsOfLife } from '../coordination/embedded/stand-in-core.ts';

const CELLS = 5;
const EPOCH = 0;
const TICKS = 1;
const ANSWERED_AT = 2;
const RENEWED_EPOCH = 3;
const RENEWED_SENT_AT = 4;

/** Milliseconds on the clock that all threads of a process share; `performance.now` begins anew in each. */
export const processMonotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * What the main thread and the one that stands in for it tell each other: in memory that both see, because a thread that is held up
 * reads no messages. All times are those of `processMonotonicMs`.
 */
export class LeaseSignals {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array<SharedArrayBuffer>;

  constructor(buffer = new SharedArrayBuffer(CELLS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#cells = new BigInt64Array(buffer);
  }

  /** The main thread leads with this epoch, `undefined`: with none. */
  lead(epoch: number | undefined): void {
    this.answered();
    Atomics.store(this.#cells, EPOCH, BigInt(epoch ?? 0));
  }

  tick(): void {
    Atomics.add(this.#cells, TICKS, 1n);
  }

  /** A write of the main thread was answered. */
  answered(): void {
    Atomics.store(this.#cells, ANSWERED_AT, microseconds(processMonotonicMs()));
  }

  get signs(): SignsOfLife | undefined {
    const epoch = this.#get(EPOCH);
    return epoch === 0
      ? undefined
      : { epoch, ticks: this.#get(TICKS), answeredAtMs: this.#get(ANSWERED_AT) / MICROSECONDS };
  }

  /** The stand-in's write was answered. */
  renewed({ epoch, sentAtMs }: StandInAnswer): void {
    Atomics.store(this.#cells, RENEWED_EPOCH, BigInt(epoch));
    Atomics.store(this.#cells, RENEWED_SENT_AT, microseconds(sentAtMs));
  }

  /** The newest that the stand-in wrote. */
  get renewal(): StandInAnswer | undefined {
    // In this order: at worst an older time comes with a newer epoch, which is certain for less than it might be.
    const sentAt = this.#get(RENEWED_SENT_AT);
    const epoch = this.#get(RENEWED_EPOCH);
    return sentAt === 0 ? undefined : { epoch, sentAtMs: sentAt / MICROSECONDS };
  }

  #get(cell: number): number {
    return Number(Atomics.load(this.#cells, cell));
  }
}

const MICROSECONDS = 1_000;

/** Rather too early than too late. */
const microseconds = (timeMs: number): bigint => BigInt(Math.floor(timeMs * MICROSECONDS));
