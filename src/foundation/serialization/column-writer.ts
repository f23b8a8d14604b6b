import { BATCH_HEADER_BYTES, INTEGRAL, PACKING } from './column-format.ts';

const FIRST_CAPACITY = 65_536;
/** A larger buffer is not kept for later batches. */
const LARGEST_KEPT = 4_194_304;

/** The bytes of a batch up to its text, in a buffer that is used again. Words are aligned to their size. */
export class ColumnWriter {
  #bytes = new Uint8Array(0);
  #shorts = new Uint16Array(0);
  #words = new Uint32Array(0);
  #doubles = new Float64Array(0);
  #bigints = new BigInt64Array(0);
  #at = 0;

  constructor() {
    this.#allocate(FIRST_CAPACITY);
  }

  /** Leaves room for the header of the batch. */
  begin(): void {
    if (this.#bytes.length > LARGEST_KEPT) {
      this.#allocate(FIRST_CAPACITY);
    }
    this.#at = BATCH_HEADER_BYTES;
  }

  get length(): number {
    return this.#at;
  }

  header(version: number, sequence: number, flags: number, text: number, textBytes: number, textUnits: number): void {
    this.#bytes[0] = version;
    this.#bytes[1] = sequence;
    this.#bytes[2] = flags;
    this.#bytes[3] = text;
    this.#words[1] = this.#at;
    this.#words[2] = textBytes;
    this.#words[3] = textUnits;
  }

  copyTo(target: Uint8Array, offset: number): void {
    target.set(this.#bytes.subarray(0, this.#at), offset);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** A number below 2^31. */
  varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Codes below 256, most often below 2. */
  codes(codes: Uint8Array, count: number): void {
    let all = 0;
    let same = true;
    const first = codes[0];
    for (let i = 0; i < count; i++) {
      const code = codes[i]!;
      all |= code;
      same &&= code === first;
    }
    this.#reserve(count + 2);
    const bytes = this.#bytes;
    if (same && count > 0) {
      bytes[this.#at++] = PACKING.constant;
      bytes[this.#at++] = first!;
    } else if (all <= 1) {
      bytes[this.#at++] = PACKING.bits;
      const at = this.#at;
      this.#at += (count + 7) >>> 3;
      bytes.fill(0, at, this.#at);
      for (let i = 0; i < count; i++) {
        bytes[at + (i >>> 3)]! |= codes[i]! << (i & 7);
      }
    } else {
      bytes[this.#at++] = PACKING.raw;
      bytes.set(codes.subarray(0, count), this.#at);
      this.#at += count;
    }
  }

  /** Integers from 0 up. */
  integers(values: Int32Array, count: number): void {
    let largest = 0;
    let same = true;
    const first = values[0]!;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value > largest) {
        largest = value;
      }
      same &&= value === first;
    }
    if (same && count > 0) {
      this.byte(PACKING.constant);
      this.varint(first);
    } else if (largest < 256) {
      this.#beginWords(PACKING.offset8, 1, count);
      const bytes = this.#bytes;
      const at = this.#at - count;
      for (let i = 0; i < count; i++) {
        bytes[at + i] = values[i]!;
      }
    } else if (largest < 65_536) {
      this.#beginWords(PACKING.offset16, 2, count);
      const shorts = this.#shorts;
      const at = this.#at / 2 - count;
      for (let i = 0; i < count; i++) {
        shorts[at + i] = values[i]!;
      }
    } else {
      this.#beginWords(PACKING.offset32, 4, count);
      this.#words.set(values.subarray(0, count), this.#at / 4 - count);
    }
  }

  bigints(values: BigInt64Array, count: number): void {
    this.#beginWords(PACKING.raw, 8, count);
    this.#bigints.set(values.subarray(0, count), this.#at / 8 - count);
  }

  /** Any numbers; small ranges and small steps take less room. Every bit that JavaScript can see is kept. */
  numbers(values: Float64Array, count: number): void {
    const first = count > 0 ? values[0]! : 0;
    let least = first;
    let most = first;
    let same = true;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value < least) {
        least = value;
      } else if (value > most) {
        most = value;
      }
      same &&= value === first;
    }
    if (!(least <= 0 && most >= 0 && hasNegativeZero(values, count))) {
      const integral = (least | 0) === least && (most | 0) === most ? INTEGRAL : 0;
      if (same) {
        this.#constant(first, integral);
        return;
      }
      const offsetWidth = widthOf(most - least);
      const stepWidth = least === first && offsetWidth !== 1 ? widthOf(largestStep(values, count)) : 0;
      if (stepWidth !== 0 && (offsetWidth === 0 || stepWidth < offsetWidth)) {
        if (this.#steps(PACKING.delta8 + (stepWidth >> 1), integral, values, count, stepWidth)) {
          return;
        }
      } else if (offsetWidth !== 0) {
        if (this.#offsets(PACKING.offset8 + (offsetWidth >> 1), integral, least, values, count, offsetWidth)) {
          return;
        }
      }
    }
    this.#beginWords(PACKING.raw, 8, count);
    this.#doubles.set(values.subarray(0, count), this.#at / 8 - count);
  }

  #constant(value: number, integral: number): void {
    this.#reserve(17);
    this.#bytes[this.#at++] = PACKING.constant | integral;
    this.#align(8);
    this.#doubles[this.#at / 8] = value;
    this.#at += 8;
  }

  /** False, and nothing written, when the values are not the base and a whole number. */
  #offsets(
    packing: number,
    integral: number,
    base: number,
    values: Float64Array,
    count: number,
    width: number,
  ): boolean {
    const start = this.#at;
    this.#constant(base, integral);
    this.#bytes[start] = packing | integral;
    const words = this.#reserveWords(width, count);
    const at = this.#at / width - count;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const offset = (value - base) >>> 0;
      if (base + offset !== value) {
        this.#at = start;
        return false;
      }
      words[at + i] = offset;
    }
    return true;
  }

  #steps(packing: number, integral: number, values: Float64Array, count: number, width: number): boolean {
    const start = this.#at;
    let before = values[0]!;
    this.#constant(before, integral);
    this.#bytes[start] = packing | integral;
    const words = this.#reserveWords(width, count);
    const at = this.#at / width - count;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const delta = (value - before) >>> 0;
      if (before + delta !== value) {
        this.#at = start;
        return false;
      }
      words[at + i] = delta;
      before = value;
    }
    return true;
  }

  #beginWords(packing: number, width: number, count: number): void {
    this.byte(packing);
    this.#reserveWords(width, count);
  }

  /** Moves past `count` aligned words and gives the array to write them through. */
  #reserveWords(width: number, count: number): Uint8Array | Uint16Array | Uint32Array {
    this.#reserve((count + 1) * width);
    this.#align(width);
    this.#at += count * width;
    return width === 1 ? this.#bytes : width === 2 ? this.#shorts : this.#words;
  }

  #align(width: number): void {
    while (this.#at % width !== 0) {
      this.#bytes[this.#at++] = 0;
    }
  }

  #reserve(count: number): void {
    if (this.#at + count > this.#bytes.length) {
      const bytes = this.#bytes;
      this.#allocate(Math.max(this.#at + count, bytes.length * 2));
      this.#bytes.set(bytes.subarray(0, this.#at));
    }
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

/** Bytes for a whole number up to `largest`, 0 when it is too large or none. */
const widthOf = (largest: number): number =>
  largest <= 0xff ? 1 : largest <= 0xffff ? 2 : largest <= 0xffff_ffff ? 4 : 0;

/** How far the values rise from one to the next, at most; Infinity when they do not only rise. */
const largestStep = (values: Float64Array, count: number): number => {
  let before = values[0]!;
  let largest = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const step = value - before;
    if (step > largest) {
      largest = step;
    } else if (!(step >= 0)) {
      return Number.POSITIVE_INFINITY;
    }
    before = value;
  }
  return largest;
};

const hasNegativeZero = (values: Float64Array, count: number): boolean => {
  for (let i = 0; i < count; i++) {
    if (values[i] === 0 && 1 / values[i]! < 0) {
      return true;
    }
  }
  return false;
};
