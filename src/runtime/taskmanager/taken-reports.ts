import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';

/** So many reports to the client are acknowledged at once. */
const TAKEN_AT_ONCE = 256;

/** Counts what was taken of each thread's output, so that the threads send more, and not more than is taken. */
export class TakenReports {
  readonly #counts = new Map<number, number>();
  readonly #logger: Logger;
  readonly #acknowledge: (thread: number, count: number) => void;

  constructor(logger: Logger, acknowledge: (thread: number, count: number) => void) {
    this.#logger = logger;
    this.#acknowledge = acknowledge;
  }

  /** Whoever takes a report has it when `taking` settles. */
  take(thread: number, taking: void | Promise<void>): void {
    if (taking === undefined) {
      return this.#taken(thread);
    }
    taking
      .finally(() => this.#taken(thread))
      .catch((error: unknown) => this.#logger.warn(`the client did not take what was sent: ${messageOf(error)}`));
  }

  /** The thread is gone, another one takes its place. */
  forget(thread: number): void {
    this.#counts.delete(thread);
  }

  #taken(thread: number): void {
    const count = (this.#counts.get(thread) ?? 0) + 1;
    this.#counts.set(thread, count % TAKEN_AT_ONCE);
    if (count === TAKEN_AT_ONCE) {
      this.#acknowledge(thread, count);
    }
  }
}
