/** Bytes that end too early or make no sense. Stays inside of the client: callers are told PROTOCOL. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

/** Reads what `JuteWriter`, or a server, wrote. */
export class JuteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8));
  }

  /** A long that counts milliseconds or the like: too large a number is a lie. */
  safeLong(): number {
    const value = this.long();
    const safe = Number(value);
    return Number.isSafeInteger(safe) ? safe : this.#unreadable(`${value} is too large`);
  }

  bool(): boolean {
    return this.#bytes[this.#advance(1)] !== 0;
  }

  /** A copy. What the server calls null is empty. */
  buffer(): Uint8Array {
    const length = this.#length();
    const at = this.#advance(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** What the server calls null is empty. */
  string(): string {
    const length = this.#length();
    const at = this.#advance(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** `itemBytes`: what an item takes at least, so that a lie about the count is found before the items are. */
  vector<T>(itemBytes: number, read: (reader: this) => T): T[] {
    const count = this.#length();
    if (count * itemBytes > this.remaining) {
      this.#unreadable(`${count} items do not fit in ${this.remaining} bytes`);
    }
    const items: T[] = [];
    for (let i = 0; i < count; i++) {
      items.push(read(this));
    }
    return items;
  }

  #length(): number {
    const length = this.int();
    return length >= -1 ? Math.max(0, length) : this.#unreadable(`a length of ${length}`);
  }

  #advance(count: number): number {
    const at = this.#offset;
    if (count > this.remaining) {
      this.#unreadable(`${count} bytes wanted, ${this.remaining} left`);
    }
    this.#offset = at + count;
    return at;
  }

  #unreadable(problem: string): never {
    throw new UnreadableError(`at byte ${this.#offset} of ${this.#bytes.length}: ${problem}`);
  }
}
