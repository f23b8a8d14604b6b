/** Consecutive failures against `execution.checkpointing.tolerable-failed-checkpoints`. */
export class CheckpointFailureCounter {
  readonly #tolerable: number;
  #failures = 0;

  constructor(tolerable: number) {
    this.#tolerable = tolerable;
  }

  get consecutive(): number {
    return this.#failures;
  }

  completed(): void {
    this.#failures = 0;
  }

  /** Whether the job fails now; counting starts anew then. */
  failed(): boolean {
    this.#failures++;
    if (this.#failures <= this.#tolerable) {
      return false;
    }
    this.#failures = 0;
    return true;
  }
}
