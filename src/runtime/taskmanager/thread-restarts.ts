import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';

/** Pause before a thread is started again that died before it could be reached. */
const RESTART_PAUSE_MS = 1_000;

/** Starts threads again that died, until it works. */
export class ThreadRestarts {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #start: (thread: number) => void;
  readonly #timers = new Map<number, TimerHandle>();

  constructor(clock: Clock, logger: Logger, start: (thread: number) => void) {
    this.#clock = clock;
    this.#logger = logger;
    this.#start = start;
  }

  restart(thread: number, atOnce: boolean): void {
    this.#timers.get(thread)?.cancel();
    if (atOnce) {
      this.#attempt(thread);
    } else {
      this.#timers.set(
        thread,
        this.#clock.after(RESTART_PAUSE_MS, () => this.#attempt(thread)),
      );
    }
  }

  stop(): void {
    this.#timers.forEach((timer) => timer.cancel());
    this.#timers.clear();
  }

  #attempt(thread: number): void {
    this.#timers.delete(thread);
    try {
      this.#start(thread);
    } catch (thrown) {
      this.#logger.error(`task thread ${thread} could not be started: ${messageOf(thrown)}`);
      this.restart(thread, false);
    }
  }
}
