import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import type { ResultWriter } from './result-writer.ts';

/** A task that has nothing to do sends early, at most 200 short batches a second: it has the time, they cost little then. */
const IDLE_WAIT_PER_CHANNEL_MS = 5;

export type FlushedWriter = Pick<ResultWriter, 'bufferedSinceMs' | 'channelCount' | 'flush'>;

/** Sends batches that are not full when their oldest record has waited for the buffer timeout, or less where the task is idle. */
export class OutputFlusher {
  readonly #clock: Clock;
  /** Negative: only full batches are sent. */
  readonly #timeoutMs: number;
  readonly #wake: () => void;
  #timer: TimerHandle | undefined;
  #timerAtMs = Infinity;

  constructor(clock: Clock, timeoutMs: number, wake: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#wake = wake;
  }

  /** Flushes what is due; `wake` is called when the next flush is. */
  flush(writers: readonly FlushedWriter[], isIdle: boolean): void {
    if (this.#timeoutMs < 0) {
      return;
    }
    let nextMs = Infinity;
    for (const writer of writers) {
      const idleWaitMs = isIdle ? writer.channelCount * IDLE_WAIT_PER_CHANNEL_MS : Infinity;
      const dueMs = (writer.bufferedSinceMs ?? Infinity) + Math.min(this.#timeoutMs, idleWaitMs);
      if (dueMs <= this.#clock.monotonic()) {
        writer.flush();
      } else {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    // A timer that comes too early costs less than one for each batch.
    if (nextMs < this.#timerAtMs) {
      this.cancel();
      this.#timerAtMs = nextMs;
      this.#timer = this.#clock.after(nextMs - this.#clock.monotonic(), () => {
        this.#timerAtMs = Infinity;
        this.#wake();
      });
    }
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timerAtMs = Infinity;
  }
}
