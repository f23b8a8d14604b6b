/** Consecutive failures against `execution.checkpointing.tolerable-failed-checkpoints`. */
export class CheckpointFailureCounter {
  readonly #tolerable: number;
  #failures = 0;

  constructor(tolerable: number) {
    this.#tolerable = tolerable;
  }

  completed(): void {
    this.#failures = 0;
  }

  /** How many failures in a row this one makes; beyond what is tolerable counting starts anew. */
  failed(): { readonly consecutive: number; readonly isTooMany: boolean } {
    const consecutive = this.#failures + 1;
    const isTooMany = consecutive > this.#tolerable;
    this.#failures = isTooMany ? 0 : consecutive;
    return { consecutive, isTooMany };
  }
}
