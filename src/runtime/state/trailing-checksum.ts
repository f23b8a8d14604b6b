import { crc32 } from 'node:zlib';
import type { ByteReader } from '../../foundation/common/byte-reader.ts';

export const CHECKSUM_BYTES = 4;

/**
 * A CRC-32 as it stands at the end of a file. The only big-endian number of the formats: with its own CRC-32 behind it in
 * little-endian order, every file would have the same CRC-32 as a whole, and a handle's checksum would tell nothing.
 */
export const encodeChecksum = (checksum: number): Uint8Array => {
  const bytes = new Uint8Array(CHECKSUM_BYTES);
  new DataView(bytes.buffer).setUint32(0, checksum);
  return bytes;
};

/** Compares the end of `bytes` with all before it; `reader` names the place in the error. */
export const verifyChecksum = (bytes: Uint8Array, reader: ByteReader): void => {
  const end = bytes.length - CHECKSUM_BYTES;
  const expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end);
  const actual = crc32(bytes.subarray(0, end));
  if (actual !== expected) {
    reader.corrupt(`the CRC-32 is ${actual.toString(16)} instead of ${expected.toString(16)}`);
  }
};
