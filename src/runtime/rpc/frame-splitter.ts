import { MillraceError } from '../../foundation/common/errors.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';

/** A larger buffer is not kept for the next frame. */
const KEPT_BYTES_MAX = 64 * 1024;
const FIRST_BYTES = 1024;

/**
 * Cuts what comes over a socket into payloads. Memory follows what has arrived, never what a length announces, and
 * whoever sends byte by byte costs no more than one who does not.
 */
export class FrameSplitter {
  /** Longer payloads are refused as soon as their length is there. */
  payloadBytesMax: number;
  readonly #remoteAddress: string;
  /** The beginning of a frame that is not whole yet. */
  #carry = Buffer.alloc(0);
  #have = 0;
  #isFirst = true;

  constructor(remoteAddress: string, payloadBytesMax: number) {
    this.#remoteAddress = remoteAddress;
    this.payloadBytesMax = payloadBytesMax;
  }

  /**
   * Hands over the payloads that are whole now; stops when `deliver` returns false. A payload is valid during its call.
   *
   * Errors: PROTOCOL, then nothing more can be read.
   */
  push(chunk: Uint8Array, deliver: (payload: Uint8Array) => boolean): void {
    let at = 0;
    if (this.#have > 0) {
      at = this.#complete(chunk);
      if (this.#missing() > 0) {
        return;
      }
      const payload = this.#carry.subarray(FRAME_HEADER_BYTES, this.#have);
      this.#have = 0;
      if (this.#carry.length > KEPT_BYTES_MAX) {
        this.#carry = Buffer.alloc(0);
      }
      if (!deliver(payload)) {
        return;
      }
    }
    while (chunk.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + this.#payloadBytes(chunk, at);
      if (end > chunk.length) {
        break;
      }
      const payload = chunk.subarray(at + FRAME_HEADER_BYTES, end);
      at = end;
      if (!deliver(payload)) {
        return;
      }
    }
    this.#append(chunk.subarray(at));
  }

  /** Adds what the frame that was begun lacks; returns how many bytes that took. */
  #complete(chunk: Uint8Array): number {
    let at = 0;
    for (let missing = this.#missing(); missing > 0 && at < chunk.length; missing = this.#missing()) {
      const part = chunk.subarray(at, at + missing);
      this.#append(part);
      at += part.length;
    }
    return at;
  }

  /** Bytes until the header, then until the frame is whole. */
  #missing(): number {
    return this.#have < FRAME_HEADER_BYTES
      ? FRAME_HEADER_BYTES - this.#have
      : FRAME_HEADER_BYTES + this.#payloadBytes(this.#carry, 0) - this.#have;
  }

  #append(part: Uint8Array): void {
    const needed = this.#have + part.length;
    if (needed > this.#carry.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.#have * 2));
      this.#carry.copy(grown, 0, 0, this.#have);
      this.#carry = grown;
    }
    this.#carry.set(part, this.#have);
    this.#have = needed;
  }

  #payloadBytes(bytes: Uint8Array, at: number): number {
    const length = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
    if (length === 0 || length > this.payloadBytesMax) {
      throw this.#isFirst
        ? foreignProtocol(this.#remoteAddress, bytes.subarray(at, at + FRAME_HEADER_BYTES))
        : new MillraceError(
            'PROTOCOL',
            `${this.#remoteAddress} sent a message of ${length} bytes; allowed are 1 to ${this.payloadBytesMax} ` +
              '(pekko.framesize, which has to be the same in all processes of a cluster)',
          );
    }
    this.#isFirst = false;
    return length;
  }
}

/** Nobody who speaks this protocol begins so. */
const foreignProtocol = (remoteAddress: string, start: Uint8Array): MillraceError => {
  const isTls = (start[0] === 0x16 || start[0] === 0x15) && start[1] === 0x03;
  const shown = JSON.stringify(Buffer.from(start).toString('latin1'));
  return new MillraceError(
    'PROTOCOL',
    isTls
      ? `${remoteAddress} uses TLS, this process does not; set security.ssl.internal.enabled to the same value in all processes`
      : `${remoteAddress} does not speak Millrace's protocol: its first bytes are ${shown}; is the port the right one?`,
  );
};
