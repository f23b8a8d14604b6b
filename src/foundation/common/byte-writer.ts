/** Strings up to this length are first tried as ASCII, byte by byte: cheaper than a call out of JavaScript. */
const SHORT_STRING = 24;
/** Room for the worst case is not made for longer ones. */
const LONG_STRING = 65_536;
/** Fewer bytes are copied one by one. */
const FEW_BYTES = 64;
const TWO_32 = 4_294_967_296;

/** A growing sequence of bytes, reusable after `take` or `reset`. Numbers are little-endian. */
export class ByteWriter {
  #buffer: Buffer;
  #view: DataView;
  #length = 0;

  constructor(initialCapacity = 256) {
    this.#buffer = Buffer.from(new ArrayBuffer(Math.max(16, initialCapacity)));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that fit before the writer grows. */
  get capacity(): number {
    return this.#buffer.length;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** A safe integer that is not negative, in 8 bytes. */
  u64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${value} is not a safe integer from 0 up`);
    }
    const at = this.#reserve(8);
    this.#view.setUint32(at, value % TWO_32, true);
    this.#view.setUint32(at + 4, Math.floor(value / TWO_32), true);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  /** A safe integer that is not negative, 7 bits to a byte, low bits first, the top bit set on all but the last. */
  varint(value: number): void {
    if ((value | 0) !== value || value < 0) {
      this.#longVarint(value);
      return;
    }
    let at = this.#reserve(5);
    let rest = value;
    while (rest > 127) {
      this.#buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[at++] = rest;
    this.#length = at;
  }

  /** An integer of magnitude below 2^52 as a varint: 0, -1, 1, -2 become 0, 1, 2, 3. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** A varint with the number of bytes, then the string in UTF-8; returns that number. A lone surrogate becomes U+FFFD. */
  string(text: string): number {
    const length = text.length;
    if (length <= SHORT_STRING) {
      const start = this.#reserve(length + 1);
      if (this.#ascii(text, start + 1)) {
        this.#buffer[start] = length;
        return length;
      }
      this.#length = start;
    }
    if (length > LONG_STRING) {
      const byteLength = Buffer.byteLength(text, 'utf8');
      this.varint(byteLength);
      return this.#write(text, byteLength);
    }
    // Written as if it were ASCII, so that its bytes need not be counted first; moved when the count takes more room.
    const start = this.#length;
    this.varint(length);
    const textStart = this.#length;
    const byteLength = this.#write(text, length * 3);
    if (byteLength !== length) {
      this.#length = start;
      this.varint(byteLength);
      const at = this.#reserve(byteLength);
      this.#buffer.copyWithin(at, textStart, textStart + byteLength);
    }
    return byteLength;
  }

  /**
   * One tag byte `tag + length`, then the string, if it is ASCII and not longer than `longest`; else writes nothing and
   * returns false.
   */
  shortAscii(tag: number, text: string, longest: number): boolean {
    const length = text.length;
    if (length > longest) {
      return false;
    }
    const start = this.#reserve(length + 1);
    if (length <= SHORT_STRING) {
      if (this.#ascii(text, start + 1)) {
        this.#buffer[start] = tag + length;
        return true;
      }
    } else {
      this.#length = start + 1;
      if (this.#write(text, length * 3) === length) {
        this.#buffer[start] = tag + length;
        return true;
      }
    }
    this.#length = start;
    return false;
  }

  /** Overwrites 4 bytes that are there already, as for a length known only afterwards. */
  patchU32(offset: number, value: number): void {
    if (offset + 4 > this.#length) {
      throw new RangeError(`no 4 bytes to overwrite at ${offset} of ${this.#length}`);
    }
    this.#view.setUint32(offset, value, true);
  }

  /** The bytes so far without a copy; valid until the next write, `take` or `reset`. */
  peek(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of the bytes, in an ArrayBuffer of its own; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const length = this.#length;
    const taken = new Uint8Array(length);
    if (length <= FEW_BYTES) {
      const buffer = this.#buffer;
      for (let i = 0; i < length; i++) {
        taken[i] = buffer[i]!;
      }
    } else {
      taken.set(this.#buffer.subarray(0, length));
    }
    this.#length = 0;
    return taken;
  }

  /** Drops what was written after the first `length` bytes. */
  reset(length = 0): void {
    this.#length = Math.min(length, this.#length);
  }

  /** UTF-8 of at most `most` bytes; returns how many. */
  #write(text: string, most: number): number {
    const at = this.#reserve(most);
    const byteLength = this.#buffer.write(text, at, most, 'utf8');
    this.#length = at + byteLength;
    return byteLength;
  }

  #longVarint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${value} is not a safe integer from 0 up`);
    }
    let at = this.#reserve(8);
    let rest = value;
    while (rest > 127) {
      this.#buffer[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[at++] = rest;
    this.#length = at;
  }

  #ascii(text: string, start: number): boolean {
    const buffer = this.#buffer;
    const length = text.length;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) {
        return false;
      }
      buffer[start + i] = unit;
    }
    return true;
  }

  /** Makes room for `count` bytes and returns where they go. */
  #reserve(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > this.#buffer.length) {
      this.#grow(end);
    }
    this.#length = end;
    return at;
  }

  #grow(needed: number): void {
    const grown = Buffer.from(new ArrayBuffer(Math.max(needed, this.#buffer.length * 2)));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}
