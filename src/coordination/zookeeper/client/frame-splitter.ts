import { UnreadableError } from './jute-reader.ts';

const LENGTH_BYTES = 4;

/** Finds the frames in what a connection brings: 4 bytes of length, then as many bytes. */
export class FrameSplitter {
  readonly #frameBytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** What has to be there before it is worth while to look. */
  #wanted = LENGTH_BYTES;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame, without its length; it shares memory with the chunks. Throws when no such frame can be. */
  next(): Uint8Array | undefined {
    if (this.#bytes < this.#wanted) {
      return undefined;
    }
    const bytes = this.#joined();
    const length = bytes.readInt32BE(0);
    if (length < 0 || length > this.#frameBytesMax) {
      throw new UnreadableError(`a frame of ${length} bytes, ${this.#frameBytesMax} are allowed`);
    }
    const end = LENGTH_BYTES + length;
    if (bytes.length < end) {
      this.#wanted = end;
      return undefined;
    }
    this.#chunks = end === bytes.length ? [] : [bytes.subarray(end)];
    this.#bytes -= end;
    this.#wanted = LENGTH_BYTES;
    return bytes.subarray(LENGTH_BYTES, end);
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) {
      return Buffer.from(first.buffer, first.byteOffset, first.length);
    }
    const joined = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [joined];
    return joined;
  }
}
