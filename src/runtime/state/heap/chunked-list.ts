const CHUNK = 4096;

/** A list that only grows, in pieces: an array of a million items copies itself whole when it grows. */
export class ChunkedList<T> {
  readonly #full: T[][] = [];
  #last: T[] = [];

  get length(): number {
    return this.#full.length * CHUNK + this.#last.length;
  }

  push(item: T): void {
    if (this.#last.length === CHUNK) {
      this.#full.push(this.#last);
      this.#last = [];
    }
    this.#last.push(item);
  }

  *[Symbol.iterator](): Generator<T, undefined> {
    for (const chunk of this.#full) {
      yield* chunk;
    }
    yield* this.#last;
    return undefined;
  }
}
