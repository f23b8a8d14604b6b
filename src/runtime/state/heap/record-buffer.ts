import { ByteWriter } from '../../../foundation/common/byte-writer.ts';

const FIRST_CHUNK_BYTES = 256;
const CHUNK_BYTES = 16_384;
/** The part of a chunk that is filled before the next one begins: a record that does not fit makes a chunk grow. */
const FILLED = 7 / 8;

/**
 * The records of one state and key group in a snapshot, as they are encoded one by one. They stay in the chunks they
 * were written to: copies would be garbage outside of the heap, and 64 MB of that start a collection of all the heap.
 */
export class RecordBuffer {
  readonly #full: Uint8Array[] = [];
  #fullBytes = 0;
  #records = 0;
  #writer = new ByteWriter(FIRST_CHUNK_BYTES);

  /** For one record; `endRecord` comes next. */
  get writer(): ByteWriter {
    return this.#writer;
  }

  get records(): number {
    return this.#records;
  }

  get byteLength(): number {
    return this.#fullBytes + this.#writer.length;
  }

  /** What was written since the last call was one record. */
  endRecord(): void {
    const { length, capacity } = this.#writer;
    this.#records++;
    if (length >= capacity * FILLED) {
      this.#full.push(this.#writer.peek());
      this.#fullBytes += length;
      this.#writer = new ByteWriter(Math.min(CHUNK_BYTES, capacity * 4));
    }
  }

  /** Valid until the next write. */
  *chunks(): Generator<Uint8Array, undefined> {
    yield* this.#full;
    if (this.#writer.length > 0) {
      yield this.#writer.peek();
    }
    return undefined;
  }
}
