import { MillraceError } from './errors.ts';

/** Strings up to this length are first tried as ASCII, byte by byte: cheaper than a call out of JavaScript. */
const SHORT_STRING = 16;
const TWO_32 = 4_294_967_296;

/** Reads what `ByteWriter` wrote. Bytes that end too early or make no sense are CORRUPT_DATA. */
export class ByteReader {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    return this.#buffer[this.#advance(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): number {
    const at = this.#advance(8);
    const value = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * TWO_32;
    return Number.isSafeInteger(value) ? value : this.corrupt(`the number ${value} is too large`);
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
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
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + at, length);
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
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** Throws CORRUPT_DATA and names the place. */
  corrupt(problem: string): never {
    throw new MillraceError('CORRUPT_DATA', `corrupt data at byte ${this.#offset} of ${this.#end}: ${problem}`);
  }

  #shortAscii(start: number, end: number): string | undefined {
    const buffer = this.#buffer;
    let text = '';
    for (let at = start; at < end; at++) {
      const byte = buffer[at]!;
      if (byte > 127) {
        return undefined;
      }
      text += String.fromCharCode(byte);
    }
    return text;
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
