import { MillraceError } from './errors.ts';

/** Strings up to this length are first tried as ASCII, byte by byte: cheaper than a call out of JavaScript. */
const SHORT_STRING = 24;
const TWO_32 = 4_294_967_296;

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** Reads what `ByteWriter` wrote. Bytes that end too early or make no sense are CORRUPT_DATA. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;
  /** The same bytes, made when a string asks for it. */
  #buffer: Buffer | undefined;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#end = Math.min(end, bytes.length);
  }

  /** Where the next read begins. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    const at = this.#offset;
    if (at >= this.#end) {
      this.#advance(1);
    }
    this.#offset = at + 1;
    return this.#bytes[at]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8);
  }

  u32(): number {
    return this.#word(this.#advance(4));
  }

  u64(): number {
    const at = this.#advance(8);
    const value = this.#word(at) + this.#word(at + 4) * TWO_32;
    return Number.isSafeInteger(value) ? value : this.corrupt(`the number ${value} is too large`);
  }

  f64(): number {
    const at = this.#advance(8);
    const bytes = this.#bytes;
    for (let i = 0; i < 8; i++) {
      doubleBytes[i] = bytes[at + i]!;
    }
    return double[0]!;
  }

  varint(): number {
    let byte = this.u8();
    if (byte < 128) {
      return byte;
    }
    let value = byte & 127;
    let scale = 128;
    do {
      byte = this.u8();
      value += (byte & 127) * scale;
      scale *= 128;
      if (!(value <= Number.MAX_SAFE_INTEGER) || scale > 2 ** 56) {
        this.corrupt('a varint is longer than 53 bits');
      }
    } while (byte > 127);
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A varint that counts things of `unitBytes` bytes at least, and so cannot exceed what is left. */
  count(unitBytes = 1): number {
    const count = this.varint();
    return count * unitBytes <= this.remaining
      ? count
      : this.corrupt(`a length of ${count} is more than the ${this.remaining} bytes left`);
  }

  /** The next bytes, without a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#advance(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** A varint with the number of bytes, then UTF-8. */
  string(): string {
    return this.utf8(this.count());
  }

  /** `length` bytes of UTF-8. */
  utf8(length: number): string {
    const at = this.#advance(length);
    if (length <= SHORT_STRING) {
      const text = this.#shortAscii(at, at + length);
      if (text !== undefined) {
        return text;
      }
    }
    this.#buffer ??= asBuffer(this.#bytes);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /**
   * `candidate` if the next `length` bytes spell it in ASCII, and moves past them; else undefined. For names that repeat:
   * no string is made.
   */
  ascii(length: number, candidate: string): string | undefined {
    const at = this.#offset;
    if (length !== candidate.length || length > this.#end - at) {
      return undefined;
    }
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const byte = bytes[at + i]!;
      if (byte !== candidate.charCodeAt(i) || byte > 127) {
        return undefined;
      }
    }
    this.#offset = at + length;
    return candidate;
  }

  /** The byte after the next `ahead` bytes, without moving; 0 behind the end. */
  peek(ahead: number): number {
    const at = this.#offset + ahead;
    return at < this.#end ? this.#bytes[at]! : 0;
  }

  /** Throws CORRUPT_DATA and names the place. */
  corrupt(problem: string): never {
    throw new MillraceError('CORRUPT_DATA', `corrupt data at byte ${this.#offset} of ${this.#end}: ${problem}`);
  }

  #shortAscii(start: number, end: number): string | undefined {
    const bytes = this.#bytes;
    let text = '';
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const a = bytes[at]!;
      const b = bytes[at + 1]!;
      const c = bytes[at + 2]!;
      const d = bytes[at + 3]!;
      if ((a | b | c | d) > 127) {
        return undefined;
      }
      text += String.fromCharCode(a, b, c, d);
    }
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > 127) {
        return undefined;
      }
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #word(at: number): number {
    const bytes = this.#bytes;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  #advance(count: number): number {
    const at = this.#offset;
    if (!(count >= 0 && count <= this.#end - at)) {
      this.corrupt(`${count} bytes wanted, ${this.#end - at} left`);
    }
    this.#offset = at + count;
    return at;
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
