import { crc32 } from 'node:zlib';
import { encodeChecksum } from '../trailing-checksum.ts';

/** Shorter parts are gathered into pieces, longer ones stay as they are. */
const SHORT_PART_BYTES = 4096;
const PIECE_BYTES = 65_536;

/** A file in parts, few of them short, with the CRC-32 of all before it at the end. */
export class ChecksummedParts {
  readonly #parts: Uint8Array[] = [];
  #checksum = 0;
  #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  /** What of the piece is filled and not among the parts yet. */
  #start = 0;
  #end = 0;

  /** `part` is not copied when it is long, and must not change any more. */
  add(part: Uint8Array): void {
    this.#checksum = crc32(part, this.#checksum);
    if (part.length < SHORT_PART_BYTES) {
      this.#gather(part);
    } else {
      this.#flush();
      this.#parts.push(part);
    }
  }

  /** After the last part. `checksum` is that of the whole file. */
  finish(): { readonly parts: readonly Uint8Array[]; readonly checksum: number } {
    this.add(encodeChecksum(this.#checksum));
    this.#flush();
    return { parts: this.#parts, checksum: this.#checksum };
  }

  #gather(part: Uint8Array): void {
    if (this.#end + part.length > this.#piece.length) {
      this.#flush();
      this.#piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
      this.#start = 0;
      this.#end = 0;
    }
    this.#piece.set(part, this.#end);
    this.#end += part.length;
  }

  #flush(): void {
    if (this.#end > this.#start) {
      this.#parts.push(this.#piece.subarray(this.#start, this.#end));
      this.#start = this.#end;
    }
  }
}
