import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import type { JobId } from '../../../foundation/common/ids.ts';

/** So long the mark of a loaded job waits for others. */
const WAIT_MS = 50;

/**
 * Removes the marks of loaded jobs (R13) together: in a takeover all jobs are loaded within moments, in which each write of its own would
 * compete with what is left to do. Where no other job is being loaded nothing waits.
 */
export class LoadingMarks {
  readonly #clock: Clock;
  readonly #loading = new Set<JobId>();
  #removals: (() => void)[] = [];
  #timer: TimerHandle | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The job is marked. */
  loading(jobId: JobId): void {
    this.#loading.add(jobId);
  }

  /** The job is loaded, or will not be: `remove` is called at once or within moments. */
  done(jobId: JobId, remove: () => void): void {
    this.#loading.delete(jobId);
    this.#removals.push(remove);
    if (this.#loading.size === 0) {
      this.#removeAll();
    } else {
      this.#timer ??= this.#clock.after(WAIT_MS, () => this.#removeAll());
    }
  }

  #removeAll(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const removals = this.#removals;
    this.#removals = [];
    removals.forEach((remove) => remove());
  }
}
