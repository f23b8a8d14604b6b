import type { Clock } from '../../foundation/common/clock.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { EndWatch } from './end-watch.ts';

export interface EndWatchesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** `task.cancellation.timeout`: a task that has not ended by then takes its thread with it; 0: never. */
  readonly cancellationTimeoutMs: number;
  /** `task.cancellation.interval`: pause between warnings about a task that does not end. */
  readonly cancellationIntervalMs: number;
  /** The task blocks its thread. */
  readonly giveUp: (attempt: AttemptId, error: MillraceError) => void;
}

/** Of all tasks of a TaskManager that were told to end, or failed, and have not ended. */
export class EndWatches {
  readonly #options: EndWatchesOptions;
  readonly #watches = new Map<AttemptId, EndWatch>();

  constructor(options: EndWatchesOptions) {
    this.#options = options;
  }

  /** From the first time on. */
  watch(attempt: AttemptId): void {
    if (this.#watches.has(attempt)) {
      return;
    }
    const { clock, logger, cancellationTimeoutMs, cancellationIntervalMs, giveUp } = this.#options;
    const watch = new EndWatch(clock, cancellationIntervalMs, cancellationTimeoutMs, {
      warn: (seconds) => logger.warn(`task ${attempt} has not ended for ${seconds} s; user code may block its thread`),
      giveUp: () =>
        giveUp(
          attempt,
          new MillraceError(
            'TIMEOUT',
            `task ${attempt} did not end within task.cancellation.timeout (${cancellationTimeoutMs} ms); ` +
              'user code blocks its thread, which is ended',
            { retryable: true },
          ),
        ),
    });
    this.#watches.set(attempt, watch);
  }

  ended(attempt: AttemptId): void {
    this.#watches.get(attempt)?.stop();
    this.#watches.delete(attempt);
  }

  stop(): void {
    this.#watches.forEach((watch) => watch.stop());
    this.#watches.clear();
  }
}
