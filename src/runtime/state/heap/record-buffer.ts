import { ByteWriter } from '../../../foundation/common/byte-writer.ts';

/** Records go into chunks of about this size: a writer that doubles up to megabytes copies them each time. */
const CHUNK_BYTES = 16_384;

/** The records of one state and key group in a snapshot, as they are encoded one by one. */
export class RecordBuffer {
  readonly writer = new ByteWriter(64);
  readonly #full: Uint8Array[] = [];
  #fullBytes = 0;
  #records = 0;

  get records(): number {
    return this.#records;
  }

  get byteLength(): number {
    return this.#fullBytes + this.writer.length;
  }

  /** What was written since the last call was one record. */
  endRecord(): void {
    this.#records++;
    if (this.writer.length >= CHUNK_BYTES) {
      this.#fullBytes += this.writer.length;
      this.#full.push(this.writer.take());
    }
  }

  /** Valid until the next write. */
  *chunks(): Generator<Uint8Array, undefined> {
    yield* this.#full;
    if (this.writer.length > 0) {
      yield this.writer.peek();
    }
    return undefined;
  }
}
