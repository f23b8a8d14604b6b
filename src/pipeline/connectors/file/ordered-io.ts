/**
 * Asynchronous steps that run one after the other. After the first that fails none runs any more, and each later one
 * fails with the same error: what is behind a gap must not be written.
 */
export class OrderedIo {
  readonly #onError: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  run(step: () => Promise<void>): void {
    this.#last = this.#last.then(async () => {
      if (this.#failure === undefined) {
        try {
          await step();
        } catch (error) {
          this.#failure = { error };
          this.#onError(error);
        }
      }
    });
  }

  /** When everything so far is done. */
  async settled(): Promise<void> {
    await this.#last;
    this.throwFailure();
  }

  throwFailure(): void {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
  }
}
