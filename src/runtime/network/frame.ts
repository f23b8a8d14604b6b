import { crc32 } from 'node:zlib';
import { MillraceError } from '../../foundation/common/errors.ts';

/**
 * A frame, the same between threads and over TCP (little endian):
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 4 | length of the payload |
 * | 4 | 1 | type |
 * | 5 | 1 | flags: bit 0 = the checksum is set |
 * | 6 | 2 | 0 |
 * | 8 | 4 | channel, chosen by the receiver, unique on its connection |
 * | 12 | 4 | sequence number within the channel and direction, from 0 |
 * | 16 | 4 | CRC-32 of the payload, 0 between threads |
 * | 20 | 4 | 0 |
 * | 24 | n | payload |
 */
export const FRAME_HEADER_BYTES = 24;

/** `hello`, `credit` and `cancel` go from the consumer to the producer, `data`, `event` and `close` the other way. */
export const frameTypes = ['data', 'event', 'hello', 'credit', 'cancel', 'close'] as const;
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
  view.setUint32(0, frame.byteLength - FRAME_HEADER_BYTES, true);
  view.setUint8(4, frameTypes.indexOf(type));
  view.setUint8(5, checksum ? 1 : 0);
  view.setUint16(6, 0, true);
  view.setUint32(8, channel, true);
  view.setUint32(12, sequence, true);
  view.setUint32(16, checksum ? crc32(frame.subarray(FRAME_HEADER_BYTES)) : 0, true);
  view.setUint32(20, 0, true);
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

/** @throws CORRUPT_DATA when the bytes are not one whole frame. */
export const readFrameHeader = (frame: Uint8Array): FrameHeader => {
  if (frame.byteLength < FRAME_HEADER_BYTES) {
    throw new MillraceError('CORRUPT_DATA', `a frame of ${frame.byteLength} bytes is shorter than its header`);
  }
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
  const payloadBytes = view.getUint32(0, true);
  const type = frameTypes[view.getUint8(4)];
  if (type === undefined || payloadBytes !== frame.byteLength - FRAME_HEADER_BYTES || view.getUint8(5) > 1) {
    throw new MillraceError('CORRUPT_DATA', 'a frame on the data plane has a broken header');
  }
  if (view.getUint8(5) === 1 && crc32(frame.subarray(FRAME_HEADER_BYTES)) !== view.getUint32(16, true)) {
    throw new MillraceError('CORRUPT_DATA', 'a frame on the data plane has a wrong checksum');
  }
  return { type, channel: view.getUint32(8, true), sequence: view.getUint32(12, true), payloadBytes };
};
