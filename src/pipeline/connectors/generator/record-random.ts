import type { Random } from '../../../foundation/common/random.ts';

/** Random numbers of one record after the other, the same for the same seed and index; makes no garbage. */
export class RecordRandom implements Random {
  readonly #low: number;
  readonly #high: number;
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;
  /** The record whose numbers are next; worked out at the first one, as many records draw none. */
  #index = 0;

  constructor(seed: number) {
    this.#low = seed | 0;
    this.#high = Math.floor(seed / 4_294_967_296) | 0;
  }

  /** Starts the numbers of record `index`. */
  startRecord(index: number): void {
    this.#index = index;
    this.#counter = 0;
  }

  #mixIndex(): void {
    const index = this.#index;
    const low = mix((index | 0) ^ this.#low);
    const high = mix((Math.floor(index / 4_294_967_296) | 0) ^ this.#high ^ 0x9e3779b9);
    this.#a = mix(low ^ Math.imul(high, 0x85ebca6b));
    this.#b = mix(high ^ this.#a);
    this.#c = mix(low + this.#b);
    this.#counter = 1;
  }

  next(): number {
    return this.#uint32() / 4_294_967_296;
  }

  int(bound: number): number {
    return Math.floor((this.#uint32() / 4_294_967_296) * bound);
  }

  hex(digits: number): string {
    let text = '';
    while (text.length < digits) {
      text += this.#uint32().toString(16).padStart(8, '0');
    }
    return text.slice(0, digits);
  }

  /** One step of sfc32. */
  #uint32(): number {
    if (this.#counter === 0) {
      this.#mixIndex();
    }
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    this.#c |= 0;
    return result >>> 0;
  }
}

const mix = (value: number): number => {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
};
