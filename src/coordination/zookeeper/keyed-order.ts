/** Runs work that has a key in common one after the other, in the order in which it came. */
export class KeyedOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = Promise.all(keys.map((key) => this.#last.get(key) ?? Promise.resolve()));
    const result = before.then(work);
    const settled: Promise<unknown> = result.then(
      () => this.#forget(keys, settled),
      () => this.#forget(keys, settled),
    );
    keys.forEach((key) => this.#last.set(key, settled));
    return result;
  }

  #forget(keys: readonly string[], settled: Promise<unknown>): void {
    for (const key of keys) {
      if (this.#last.get(key) === settled) {
        this.#last.delete(key);
      }
    }
  }
}
