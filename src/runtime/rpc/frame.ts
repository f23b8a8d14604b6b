import type { ByteWriter } from '../../foundation/common/byte-writer.ts';

/** A frame is the length of the payload in 4 bytes, little-endian, then the payload. No payload is empty. */
export const FRAME_HEADER_BYTES = 4;

/** Before the payload is written. */
export const beginFrame = (writer: ByteWriter): void => {
  writer.u32(0);
};

/** The frame; the writer is empty afterwards. */
export const endFrame = (writer: ByteWriter): Uint8Array<ArrayBuffer> => {
  writer.patchU32(0, writer.length - FRAME_HEADER_BYTES);
  return writer.take();
};
