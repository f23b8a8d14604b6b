import { crc32 } from 'node:zlib';

const PIECE_BYTES = 1_048_576;

/** Puts many small parts into few large ones, each in an ArrayBuffer of its own, with the CRC-32 of all at the end. */
export class ChecksummedPieces {
  readonly #pieces: Uint8Array[] = [];
  #piece: Uint8Array = new Uint8Array(0);
  #used = 0;
  #left: number;
  #checksum = 0;

  /** `byteLength` of all parts together. */
  constructor(byteLength: number) {
    this.#left = byteLength + 4;
  }

  add(part: Uint8Array): void {
    this.#checksum = crc32(part, this.#checksum);
    this.#append(part);
  }

  /** After the last part. */
  finish(): readonly Uint8Array[] {
    const checksum = new Uint8Array(4);
    new DataView(checksum.buffer).setUint32(0, this.#checksum, true);
    this.#append(checksum);
    return this.#pieces;
  }

  #append(part: Uint8Array): void {
    let done = 0;
    while (done < part.length) {
      if (this.#used === this.#piece.length) {
        this.#piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#left));
        this.#pieces.push(this.#piece);
        this.#left -= this.#piece.length;
        this.#used = 0;
      }
      const now = part.subarray(done, done + this.#piece.length - this.#used);
      this.#piece.set(now, this.#used);
      this.#used += now.length;
      done += now.length;
    }
  }
}
