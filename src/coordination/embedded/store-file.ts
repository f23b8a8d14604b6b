import { crc32 } from 'node:zlib';
import { MillraceError, messageOf } from '../../foundation/common/errors.ts';

/**
 * A file of the embedded store, numbers little-endian (docs/formats/embedded-store.md):
 *
 *     0   8  "MILLRACE"
 *     8   4  "HLOG", "HSNP" or "HROT": an entry of the log, a snapshot, the root
 *    12   4  format version
 *    16   4  length of the payload
 *    20   4  CRC-32 of bytes 8 to 19 and the payload
 *    24      payload: JSON in UTF-8
 *
 * The first 24 bytes stay as they are in every version, so that an older program can tell a newer file from a broken one.
 */
export const STORE_FORMAT_VERSION = 1;

export type StoreFileKind = 'HLOG' | 'HSNP' | 'HROT';

const MAGIC = Buffer.from('MILLRACE');
const HEADER_BYTES = 24;

export const encodeStoreFile = (kind: StoreFileKind, payload: unknown): Uint8Array => {
  const content = Buffer.from(JSON.stringify(payload));
  const file = Buffer.allocUnsafe(HEADER_BYTES + content.length);
  MAGIC.copy(file, 0);
  file.write(kind, 8, 'latin1');
  file.writeUInt32LE(STORE_FORMAT_VERSION, 12);
  file.writeUInt32LE(content.length, 16);
  content.copy(file, HEADER_BYTES);
  file.writeUInt32LE(checksumOf(file), 20);
  return file;
};

/** STORE_BROKEN, naming `path`, when it is cut off, damaged, of another kind or of a newer version. */
export const decodeStoreFile = (kind: StoreFileKind, bytes: Uint8Array, path: string): unknown => {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.length < HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw brokenFile(path, `it is cut off or no file of Millrace (${file.length} bytes)`);
  }
  const length = file.readUInt32LE(16);
  if (file.length !== HEADER_BYTES + length) {
    throw brokenFile(path, `it has ${file.length} bytes of ${HEADER_BYTES + length}`);
  }
  if (file.readUInt32LE(20) !== checksumOf(file)) {
    throw brokenFile(path, 'its checksum does not match: the file is damaged');
  }
  const found = file.toString('latin1', 8, 12);
  if (found !== kind) {
    throw brokenFile(path, `it is a file of another kind (${found})`);
  }
  const version = file.readUInt32LE(12);
  if (version !== STORE_FORMAT_VERSION) {
    throw new MillraceError(
      'STORE_BROKEN',
      `${path} has format version ${version} of the HA store, this Millrace reads version ${STORE_FORMAT_VERSION}; ` +
        'run the same version of Millrace in all processes of a cluster',
    );
  }
  try {
    return JSON.parse(file.toString('utf8', HEADER_BYTES));
  } catch (error) {
    throw brokenFile(path, messageOf(error), error);
  }
};

const checksumOf = (file: Buffer): number => crc32(file.subarray(HEADER_BYTES), crc32(file.subarray(8, 20)));

export const brokenFile = (path: string, problem: string, cause?: unknown): MillraceError =>
  new MillraceError(
    'STORE_BROKEN',
    `the file ${path} of the HA store cannot be used: ${problem}; put it back from a copy of the folder. The jobs' checkpoints ` +
      'and savepoints are not touched: each job can be started from them by hand in a new store',
    { cause },
  );
