import { MillraceError } from '../../../foundation/common/errors.ts';
import { FRAME_HEADER_BYTES, announcedPayloadBytes } from '../frame.ts';

/** Room for a larger frame is made as its bytes arrive, so that a length alone costs nothing. */
const FIRST_ROOM_BYTES = 1_048_576;
/** Several of these share one of Node's pools: credits, watermarks, batches of few records. */
const SMALL_FRAME_BYTES = 1024;

/** Cuts a stream of bytes into frames. Each byte is copied once: into the buffer that the frame keeps. */
export class FrameParser {
  readonly #maxFrameBytes: number;
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  /** Of the frame that is under way: bytes there are, bytes there will be (0 while the header is incomplete). */
  #have = 0;
  #frameBytes = 0;
  #frame: Buffer = this.#header;

  constructor(maxFrameBytes: number, onFrame: (frame: Uint8Array) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
  }

  /**
   * Takes the next bytes, of which nothing is kept. Throws CORRUPT_DATA at a header that cannot be one, and at a frame
   * above the limit before there is room for it; after that the stream makes no sense any more.
   */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.byteLength) {
      if (this.#frameBytes === 0) {
        at = this.#pushHeader(bytes, at);
      }
      if (this.#frameBytes > 0) {
        at = this.#pushFrame(bytes, at);
      }
    }
  }

  #pushHeader(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.byteLength, from + FRAME_HEADER_BYTES - this.#have);
    this.#header.set(bytes.subarray(from, end), this.#have);
    this.#have += end - from;
    if (this.#have === FRAME_HEADER_BYTES) {
      this.#begin();
    }
    return end;
  }

  #begin(): void {
    const frameBytes = FRAME_HEADER_BYTES + announcedPayloadBytes(this.#header, true);
    if (frameBytes > this.#maxFrameBytes) {
      throw new MillraceError(
        'CORRUPT_DATA',
        `a frame of ${frameBytes} bytes was announced, ${this.#maxFrameBytes} are allowed`,
      );
    }
    this.#frameBytes = frameBytes;
    this.#frame =
      frameBytes <= SMALL_FRAME_BYTES
        ? Buffer.allocUnsafe(frameBytes)
        : Buffer.allocUnsafeSlow(Math.min(frameBytes, FIRST_ROOM_BYTES));
    this.#frame.set(this.#header);
  }

  #pushFrame(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.byteLength, from + this.#frameBytes - this.#have);
    this.#makeRoom(this.#have + end - from);
    this.#frame.set(bytes.subarray(from, end), this.#have);
    this.#have += end - from;
    if (this.#have === this.#frameBytes) {
      const frame = this.#frame;
      this.#frame = this.#header;
      this.#have = 0;
      this.#frameBytes = 0;
      this.#onFrame(frame);
    }
    return end;
  }

  #makeRoom(needed: number): void {
    if (needed > this.#frame.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#frameBytes, Math.max(needed, 2 * this.#frame.byteLength)));
      this.#frame.copy(larger, 0, 0, this.#have);
      this.#frame = larger;
    }
  }
}
