import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';

/** Most changes of the leader are over by then: nobody wants to read of them. */
const SILENT_MS = 3_000;

export interface WaitingNoticeOptions {
  readonly clock: Clock;
  /** Whose leader is waited for. */
  readonly where: string;
  readonly forMs: number;
  readonly say: (line: string) => void;
}

/** Tells who waits for the leader of a cluster that it does and why, after a while and again when the reason changes. */
export class WaitingNotice {
  readonly #options: WaitingNoticeOptions;
  readonly #timer: TimerHandle;
  #reason = 'no answer yet';
  #said: string | undefined;
  #isDue = false;

  constructor(options: WaitingNoticeOptions) {
    this.#options = options;
    this.#timer = options.clock.after(SILENT_MS, () => {
      this.#isDue = true;
      this.#tell();
    });
  }

  /** An attempt has failed, and there will be another one. */
  failed(reason: string): void {
    this.#reason = reason;
    this.#tell();
  }

  end(): void {
    this.#timer.cancel();
  }

  #tell(): void {
    if (this.#isDue && this.#said !== this.#reason) {
      this.#said = this.#reason;
      const { where, forMs, say } = this.#options;
      say(
        `Waiting for the leader of ${where}, up to ${Math.round(forMs / 1_000)} s (rest.await-leader-timeout): ${this.#reason}`,
      );
    }
  }
}
