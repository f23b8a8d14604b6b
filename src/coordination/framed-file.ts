import { crc32 } from 'node:zlib';

/**
 * A file of the HA store or of `storageDir`, numbers little-endian:
 *
 *     0   8  "MILLRACE"
 *     8   4  what it is, four letters
 *    12   4  format version
 *    16   4  length of the payload
 *    20   4  CRC-32 of bytes 8 to 19 and the payload
 *    24      payload
 *
 * The first 24 bytes stay as they are in every version, so that an older program can tell a newer file from a broken one.
 */
export interface FileFrame {
  /** Four letters. */
  readonly kind: string;
  readonly version: number;
}

const MAGIC = Buffer.from('MILLRACE');
const HEADER_BYTES = 24;

export const encodeFrame = ({ kind, version }: FileFrame, payload: Uint8Array): Uint8Array => {
  const file = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  MAGIC.copy(file, 0);
  file.write(kind, 8, 'latin1');
  file.writeUInt32LE(version, 12);
  file.writeUInt32LE(payload.length, 16);
  file.set(payload, HEADER_BYTES);
  file.writeUInt32LE(checksumOf(file), 20);
  return file;
};

/** The payload. Throws what `fail` makes of a problem, which completes the sentence "the file cannot be used: ...". */
export const decodeFrame = (
  { kind, version }: FileFrame,
  bytes: Uint8Array,
  fail: (problem: string) => Error,
): Uint8Array => {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.length < HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw fail(`it is cut off or no file of Millrace (${file.length} bytes)`);
  }
  const length = file.readUInt32LE(16);
  if (file.length !== HEADER_BYTES + length) {
    throw fail(`it has ${file.length} bytes of ${HEADER_BYTES + length}`);
  }
  if (file.readUInt32LE(20) !== checksumOf(file)) {
    throw fail('its checksum does not match: the file is damaged');
  }
  const found = file.toString('latin1', 8, 12);
  if (found !== kind) {
    throw fail(`it is a file of another kind (${found})`);
  }
  const foundVersion = file.readUInt32LE(12);
  if (foundVersion !== version) {
    throw fail(
      `it has format version ${foundVersion}, this Millrace reads version ${version}; run the same version of Millrace in all ` +
        'processes of a cluster',
    );
  }
  return bytes.subarray(HEADER_BYTES);
};

const checksumOf = (file: Buffer): number => crc32(file.subarray(HEADER_BYTES), crc32(file.subarray(8, 20)));
