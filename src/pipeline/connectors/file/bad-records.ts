import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError, messageOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { FileSplit } from './file-split.ts';

const LOG_INTERVAL_MS = 10_000;

/** What happens to a line that does not parse: it fails the job, or is counted and now and then said. */
export class BadRecords {
  readonly #policy: 'fail' | 'skip';
  readonly #clock: Clock;
  readonly #logger: Logger;
  #skipped = 0;
  #logged = 0;
  #loggedMs = -Infinity;
  #newest = '';

  constructor(policy: 'fail' | 'skip', clock: Clock, logger: Logger) {
    this.#policy = policy;
    this.#clock = clock;
    this.#logger = logger;
  }

  get skipped(): number {
    return this.#skipped;
  }

  /** `line` counts from 1, from the start of the split. */
  handle(split: FileSplit, line: number, error: unknown): void {
    const place = split.start === 0 ? `line ${line}` : `line ${line} after byte ${split.start}`;
    const what = `${split.path}, ${place}: ${messageOf(error)}`;
    if (this.#policy === 'fail') {
      const wayOut = 'correct the file, or leave such lines out with onError: "skip"';
      throw new MillraceError('BAD_RECORD', `${what}; ${wayOut}`, { cause: error });
    }
    this.#skipped++;
    this.#newest = what;
    if (this.#clock.monotonic() - this.#loggedMs >= LOG_INTERVAL_MS) {
      this.#log();
    }
  }

  close(): void {
    if (this.#skipped > this.#logged) {
      this.#log();
    }
  }

  #log(): void {
    this.#logger.warn(
      `left out ${this.#skipped} bad ${this.#skipped === 1 ? 'line' : 'lines'} so far, ${this.#newest}`,
    );
    this.#logged = this.#skipped;
    this.#loggedMs = this.#clock.monotonic();
  }
}
