import type { UserCode } from './task-thread-of.ts';

/** What users' functions do wrong: the next one that is called does it. */
export class UserCodeFaults {
  readonly #code: UserCode;
  #throwing = 0;
  #blockingMs: number | undefined;

  constructor(code: UserCode) {
    this.#code = code;
  }

  throws(): void {
    this.#throwing++;
  }

  blocks(forMs: number): void {
    this.#blockingMs = forMs;
  }

  /** Called by each of them. */
  readonly trap = (): void => {
    if (this.#blockingMs !== undefined) {
      this.#code.block(this.#blockingMs);
      this.#blockingMs = undefined;
    }
    if (this.#throwing > 0) {
      this.#throwing--;
      throw new Error('user code threw');
    }
  };
}
