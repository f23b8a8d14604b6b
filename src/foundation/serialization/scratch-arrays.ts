/** Larger arrays are not kept for later batches. */
const LARGEST_KEPT = 65_536;
const SMALLEST = 256;

/** Typed arrays for the columns of one batch, shared by all channels of a thread: encoding is synchronous. */
export class ScratchArrays {
  readonly #floats: (Float64Array | undefined)[] = [];
  readonly #integers: (Int32Array | undefined)[] = [];
  readonly #bytes: (Uint8Array | undefined)[] = [];
  readonly #bigints: (BigInt64Array | undefined)[] = [];
  #usedFloats = 0;
  #usedIntegers = 0;
  #usedBytes = 0;
  #usedBigints = 0;

  floats(length: number): Float64Array {
    const at = this.#usedFloats++;
    let array = this.#floats[at];
    if (array === undefined || array.length < length) {
      array = new Float64Array(capacityFor(length));
      keep(this.#floats, at, array);
    }
    return array;
  }

  integers(length: number): Int32Array {
    const at = this.#usedIntegers++;
    let array = this.#integers[at];
    if (array === undefined || array.length < length) {
      array = new Int32Array(capacityFor(length));
      keep(this.#integers, at, array);
    }
    return array;
  }

  bytes(length: number): Uint8Array {
    const at = this.#usedBytes++;
    let array = this.#bytes[at];
    if (array === undefined || array.length < length) {
      array = new Uint8Array(capacityFor(length));
      keep(this.#bytes, at, array);
    }
    return array;
  }

  bigints(length: number): BigInt64Array {
    const at = this.#usedBigints++;
    let array = this.#bigints[at];
    if (array === undefined || array.length < length) {
      array = new BigInt64Array(capacityFor(length));
      keep(this.#bigints, at, array);
    }
    return array;
  }

  /** After a batch: every array may be given out again. */
  release(): void {
    this.#usedFloats = 0;
    this.#usedIntegers = 0;
    this.#usedBytes = 0;
    this.#usedBigints = 0;
  }
}

const capacityFor = (length: number): number => {
  let capacity = SMALLEST;
  while (capacity < length) {
    capacity *= 2;
  }
  return capacity;
};

const keep = <T extends { readonly length: number }>(arrays: (T | undefined)[], at: number, array: T): void => {
  arrays[at] = array.length <= LARGEST_KEPT ? array : undefined;
};

let idle: ScratchArrays | undefined = new ScratchArrays();

/** Runs `use` with the thread's scratch arrays; a call inside of another one gets arrays of its own. */
export const withScratchArrays = <T>(use: (scratch: ScratchArrays) => T): T => {
  const scratch = idle ?? new ScratchArrays();
  idle = undefined;
  try {
    return use(scratch);
  } finally {
    scratch.release();
    idle = scratch;
  }
};
