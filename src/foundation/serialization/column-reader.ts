import { MillraceError } from '../common/errors.ts';
import { BATCH_HEADER_BYTES, INTEGRAL, PACKING } from './column-format.ts';
import type { ScratchArrays } from './scratch-arrays.ts';

const FIRST_CAPACITY = 65_536;
const LARGEST_KEPT = 4_194_304;

export const corruptBatch = (problem: string): MillraceError =>
  new MillraceError('CORRUPT_DATA', `corrupt batch of records: ${problem}`);

/** Reads what `ColumnWriter` wrote, from an aligned copy. What makes no sense is CORRUPT_DATA. */
export class ColumnReader {
  #bytes = new Uint8Array(0);
  #shorts = new Uint16Array(0);
  #words = new Uint32Array(0);
  #doubles = new Float64Array(0);
  #bigints = new BigInt64Array(0);
  #at = 0;
  #end = 0;

  constructor() {
    this.#allocate(FIRST_CAPACITY);
  }

  begin(bytes: Uint8Array): void {
    if (bytes.length > this.#bytes.length || this.#bytes.length > LARGEST_KEPT) {
      this.#allocate(Math.max(bytes.length * 1.5, FIRST_CAPACITY));
    }
    this.#bytes.set(bytes);
    this.#at = BATCH_HEADER_BYTES;
    this.#end = bytes.length;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) {
        return value;
      }
    }
    throw corruptBatch('a number is too long');
  }

  /** The next bytes without a copy, valid until the next batch. */
  raw(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  codes(target: Uint8Array, count: number): void {
    const packing = this.byte();
    const bytes = this.#bytes;
    if (packing === PACKING.constant) {
      target.fill(this.byte(), 0, count);
    } else if (packing === PACKING.bits) {
      const at = this.#advance((count + 7) >>> 3);
      for (let i = 0; i < count; i++) {
        target[i] = (bytes[at + (i >>> 3)]! >>> (i & 7)) & 1;
      }
    } else if (packing === PACKING.raw) {
      const at = this.#advance(count);
      target.set(bytes.subarray(at, at + count));
    } else {
      throw corruptBatch(`codes cannot be packed as ${packing}`);
    }
  }

  /** Integers from 0 to 2^31; returns the largest. */
  integers(target: Int32Array, count: number): number {
    const packing = this.byte();
    if (packing === PACKING.constant) {
      const value = this.varint();
      if (value > 0x7fff_ffff) {
        throw corruptBatch(`${value} is out of range`);
      }
      target.fill(value, 0, count);
      return value;
    }
    if (packing < PACKING.offset8 || packing > PACKING.offset32) {
      throw corruptBatch(`integers cannot be packed as ${packing}`);
    }
    const width = 1 << (packing - PACKING.offset8);
    const words = this.#wordsOf(width);
    const at = this.#skipWords(width, count);
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const value = words[at + i]!;
      target[i] = value;
      if (value > largest) {
        largest = value;
      }
    }
    if (largest > 0x7fff_ffff) {
      throw corruptBatch(`${largest} is out of range`);
    }
    return largest;
  }

  bigints(target: BigInt64Array, count: number): void {
    if (this.byte() !== PACKING.raw) {
      throw corruptBatch('bigints are not packed');
    }
    const at = this.#skipWords(8, count);
    target.set(this.#bigints.subarray(at, at + count));
  }

  /** Whether the numbers that come next are all 32-bit integers. */
  get nextAreIntegral(): boolean {
    return this.#at < this.#end && (this.#bytes[this.#at]! & INTEGRAL) !== 0;
  }

  numbers(scratch: ScratchArrays, integral: boolean, count: number): Int32Array | Float64Array {
    const target = integral ? scratch.integers(count) : scratch.floats(count);
    this.readNumbersInto(target, count);
    return target;
  }

  readNumbersInto(target: Int32Array | Float64Array, count: number): void {
    const packing = this.byte() & ~INTEGRAL;
    if (packing === PACKING.raw) {
      const at = this.#skipWords(8, count);
      target.set(this.#doubles.subarray(at, at + count));
      return;
    }
    const base = this.#doubles[this.#skipWords(8, 1)]!;
    if (packing === PACKING.constant) {
      target.fill(base, 0, count);
    } else if (packing >= PACKING.offset8 && packing <= PACKING.offset32) {
      const width = 1 << (packing - PACKING.offset8);
      const words = this.#wordsOf(width);
      const at = this.#skipWords(width, count);
      for (let i = 0; i < count; i++) {
        target[i] = base + words[at + i]!;
      }
    } else if (packing >= PACKING.delta8 && packing <= PACKING.delta32) {
      const width = 1 << (packing - PACKING.delta8);
      const words = this.#wordsOf(width);
      const at = this.#skipWords(width, count);
      let value = base;
      for (let i = 0; i < count; i++) {
        value += words[at + i]!;
        target[i] = value;
      }
    } else {
      throw corruptBatch(`numbers cannot be packed as ${packing}`);
    }
  }

  #wordsOf(width: number): Uint8Array | Uint16Array | Uint32Array {
    return width === 1 ? this.#bytes : width === 2 ? this.#shorts : this.#words;
  }

  /** Moves past aligned words; returns the index of the first. */
  #skipWords(width: number, count: number): number {
    this.#at = Math.ceil(this.#at / width) * width;
    return this.#advance(width * count) / width;
  }

  #advance(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) {
      throw corruptBatch(`${count} bytes wanted, ${this.#end - at} left`);
    }
    this.#at = at + count;
    return at;
  }

  #allocate(capacity: number): void {
    const buffer = new ArrayBuffer(Math.ceil(capacity / 8) * 8);
    this.#bytes = new Uint8Array(buffer);
    this.#shorts = new Uint16Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#bigints = new BigInt64Array(buffer);
  }
}
