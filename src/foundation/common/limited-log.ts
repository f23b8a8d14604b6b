import type { Clock, TimerHandle } from './clock.ts';
import type { LogFields, Logger, LogLevel } from './logger.ts';

/** Lines that may come at once. */
export const LINES_AT_ONCE = 10;
/** From then on one line, and how many were left out, in this time. */
export const INTERVAL_MS = 10_000;

/**
 * What strangers make a process say, who must not be able to fill a disk: the first lines as they are, then one in a while and
 * how many there were besides. One for each port that listens.
 */
export class LimitedLog implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #where: string;
  #allowed = LINES_AT_ONCE;
  /** Up to when the lines that time allows again are counted in `#allowed`. */
  #countedMs: number;
  #leftOut = 0;
  #timer: TimerHandle | undefined;
  #isClosed = false;

  /** `where`: what strangers come to, such as "the RPC port". */
  constructor(logger: Logger, clock: Clock, where: string) {
    this.#logger = logger;
    this.#clock = clock;
    this.#where = where;
    this.#countedMs = clock.monotonic();
  }

  debug(message: string, fields?: LogFields): void {
    this.#say('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#say('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#say('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#say('error', message, fields);
  }

  /** Says what was left out up to now; nobody comes any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sayLeftOut();
  }

  #say(level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.#allow();
    if (this.#allowed > 0) {
      this.#allowed--;
      this.#logger[level](message, fields);
      return;
    }
    if (this.#isClosed) {
      return;
    }
    this.#leftOut++;
    this.#timer ??= this.#clock.after(INTERVAL_MS, () => {
      this.#timer = undefined;
      this.#sayLeftOut();
    });
  }

  #allow(): void {
    const intervals = Math.floor((this.#clock.monotonic() - this.#countedMs) / INTERVAL_MS);
    this.#countedMs += intervals * INTERVAL_MS;
    this.#allowed = Math.min(LINES_AT_ONCE, this.#allowed + intervals);
  }

  #sayLeftOut(): void {
    if (this.#leftOut > 0) {
      this.#logger.warn(`${this.#leftOut} more such lines about ${this.#where} were left out`);
      this.#leftOut = 0;
    }
  }
}
