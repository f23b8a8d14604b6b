/** What was read before anybody asked for it. Each value is handed out once, so that nothing is held twice. */
export class ReadAhead<T> {
  readonly #most: number;
  readonly #values = new Map<string, T>();

  /** What is read beyond `most` values is not kept. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Keeps what `keys` names and nothing else: reads what is not there yet, a few at a time. What cannot be read is left out. */
  async keep(keys: ReadonlyMap<string, () => Promise<T>>): Promise<void> {
    for (const key of this.#values.keys()) {
      if (!keys.has(key)) {
        this.#values.delete(key);
      }
    }
    const missing = keys
      .entries()
      .filter(([key]) => !this.#values.has(key))
      .take(this.#most - this.#values.size);
    const readOn = async (): Promise<void> => {
      for (const [key, read] of missing) {
        const value = await read().catch(() => undefined);
        if (value !== undefined) {
          this.#values.set(key, value);
        }
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, readOn));
  }

  /** `undefined`: it was not read, or was handed out already. */
  take(key: string): T | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }
}

const READS_AT_ONCE = 4;
