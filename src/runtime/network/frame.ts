import { crc32 } from 'node:zlib';
import { MillraceError } from '../../foundation/common/errors.ts';

/**
 * A frame, the same between threads and over TCP (little endian):
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 4 | CRC-32 of everything behind it, over TCP; 0 between threads |
 * | 4 | 4 | length of the payload |
 * | 8 | 1 | type |
 * | 9 | 1 | flags: bit 0 = the checksum is set |
 * | 10 | 2 | 0 |
 * | 12 | 4 | channel, chosen by the receiver, unique on its connection |
 * | 16 | 4 | sequence number within the channel and direction, from 0 |
 * | 20 | 4 | 0 |
 * | 24 | n | payload |
 */
export const FRAME_HEADER_BYTES = 24;

/** `hello`, `credit` and `cancel` go from the consumer to the producer, the others the other way. */
export const frameTypes = ['data', 'event', 'hello', 'credit', 'cancel', 'close', 'refuse'] as const;
export type FrameType = (typeof frameTypes)[number];

export interface FrameHeader {
  readonly type: FrameType;
  readonly channel: number;
  readonly sequence: number;
  readonly payloadBytes: number;
}

/** Writes the header into the headroom of a buffer that has the payload behind it already. */
export const writeFrameHeader = (
  frame: Uint8Array,
  type: FrameType,
  channel: number,
  sequence: number,
  checksum: boolean,
): void => {
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
  view.setUint32(4, frame.byteLength - FRAME_HEADER_BYTES, true);
  view.setUint8(8, frameTypes.indexOf(type));
  view.setUint8(9, checksum ? 1 : 0);
  view.setUint16(10, 0, true);
  view.setUint32(12, channel, true);
  view.setUint32(16, sequence, true);
  view.setUint32(20, 0, true);
  view.setUint32(0, checksum ? crc32(frame.subarray(4)) : 0, true);
};

export const makeFrame = (
  type: FrameType,
  channel: number,
  sequence: number,
  payload: Uint8Array,
  checksum: boolean,
): Uint8Array<ArrayBuffer> => {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(payload, FRAME_HEADER_BYTES);
  writeFrameHeader(frame, type, channel, sequence, checksum);
  return frame;
};

/**
 * The length of the payload that a header announces, before any of it is there.
 * @throws CORRUPT_DATA when no frame begins like this, or when its type and checksum flag are not what is expected.
 */
export const announcedPayloadBytes = (header: Uint8Array, checksum: boolean): number => {
  const view = new DataView(header.buffer, header.byteOffset, FRAME_HEADER_BYTES);
  if (
    view.getUint8(8) >= frameTypes.length ||
    view.getUint8(9) !== (checksum ? 1 : 0) ||
    view.getUint16(10, true) !== 0 ||
    view.getUint32(20, true) !== 0
  ) {
    throw new MillraceError('CORRUPT_DATA', 'a frame on the data plane has a broken header');
  }
  return view.getUint32(4, true);
};

/** @throws CORRUPT_DATA when the bytes are not one whole frame, with or without a checksum as expected. */
export const readFrameHeader = (frame: Uint8Array, checksum: boolean): FrameHeader => {
  if (frame.byteLength < FRAME_HEADER_BYTES) {
    throw new MillraceError('CORRUPT_DATA', `a frame of ${frame.byteLength} bytes is shorter than its header`);
  }
  const payloadBytes = announcedPayloadBytes(frame, checksum);
  if (payloadBytes !== frame.byteLength - FRAME_HEADER_BYTES) {
    throw new MillraceError('CORRUPT_DATA', 'a frame on the data plane has a broken header');
  }
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
  if (checksum && crc32(frame.subarray(4)) !== view.getUint32(0, true)) {
    throw new MillraceError('CORRUPT_DATA', 'a frame on the data plane has a wrong checksum');
  }
  return {
    type: frameTypes[view.getUint8(8)]!,
    channel: view.getUint32(12, true),
    sequence: view.getUint32(16, true),
    payloadBytes,
  };
};
