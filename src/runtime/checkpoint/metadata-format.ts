import { crc32 } from 'node:zlib';
import { assert, AssertionError } from '../../foundation/common/assert.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import { decodeValue, encodeValue } from '../../foundation/serialization/value-codec.ts';
import { checkpointMetadataSchema } from './metadata-schema.ts';
import type { CheckpointMetadata } from './metadata.ts';

/**
 * A metadata file, numbers little-endian:
 *
 *     0   8  "MILLRACE"
 *     8   4  "META"
 *    12   4  format version
 *    16   4  length of the payload
 *    20   4  CRC-32 of bytes 8 to 19 and the payload
 *    24      payload: the metadata as `encodeValue` writes it
 *
 * The first 24 bytes stay as they are in every version, so that an older program can tell a newer file from a broken one.
 */
export const METADATA_FORMAT_VERSION = 1;

const MAGIC = Buffer.from('MILLRACE');
const KIND = Buffer.from('META');
const HEADER_BYTES = 24;
const PAYLOAD_BYTES_MAX = 0xffff_ffff;

export const encodeMetadata = (metadata: CheckpointMetadata): Uint8Array => {
  const checked = checkpointMetadataSchema.safeParse(metadata);
  if (!checked.success) {
    throw new AssertionError(`checkpoint ${metadata.checkpointId} makes no sense: ${schemaIssues(checked.error)}`);
  }
  const payload = encodeValue(checked.data, 'checkpoint metadata');
  assert(payload.length <= PAYLOAD_BYTES_MAX, 'checkpoint metadata stay below 4 GiB');
  const file = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  MAGIC.copy(file, 0);
  KIND.copy(file, 8);
  file.writeUInt32LE(METADATA_FORMAT_VERSION, 12);
  file.writeUInt32LE(payload.length, 16);
  file.set(payload, HEADER_BYTES);
  file.writeUInt32LE(checksumOf(file), 20);
  return file;
};

/**
 * Errors name `file`: CHECKPOINT_BROKEN when it is cut off, damaged or something else, CHECKPOINT_NEWER_VERSION when a
 * newer Millrace wrote it.
 */
export const decodeMetadata = (bytes: Uint8Array, file: string): CheckpointMetadata => {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  checkHeader(content, file);
  const version = content.readUInt32LE(12);
  if (version > METADATA_FORMAT_VERSION) {
    throw new MillraceError(
      'CHECKPOINT_NEWER_VERSION',
      `${file} has checkpoint format version ${version}, this Millrace reads versions up to ${METADATA_FORMAT_VERSION}; ` +
        'use the Millrace version that wrote it, or a newer one',
    );
  }
  if (version === 0) {
    throw broken(file, 'it has format version 0, which never was');
  }
  let value: unknown;
  try {
    value = decodeValue(bytes.subarray(HEADER_BYTES));
  } catch (error) {
    throw broken(file, messageOf(error), error);
  }
  const parsed = checkpointMetadataSchema.safeParse(value);
  if (!parsed.success) {
    throw broken(file, `its content makes no sense: ${schemaIssues(parsed.error)}`, parsed.error);
  }
  return parsed.data;
};

const checkHeader = (content: Buffer, file: string): void => {
  const start = content.subarray(0, MAGIC.length);
  if (!MAGIC.subarray(0, start.length).equals(start)) {
    throw new MillraceError(
      'CHECKPOINT_BROKEN',
      `${file} is not the metadata of a checkpoint; name a "chk-<n>" or "savepoint-..." folder, or the "_metadata" in it`,
    );
  }
  if (content.length < HEADER_BYTES) {
    throw broken(file, `it is cut off: ${content.length} bytes of at least ${HEADER_BYTES}`);
  }
  const length = content.readUInt32LE(16);
  const present = content.length - HEADER_BYTES;
  if (present < length) {
    throw broken(file, `it is cut off: ${content.length} bytes of ${HEADER_BYTES + length}`);
  }
  if (present > length) {
    throw broken(file, `it has ${present - length} bytes too many`);
  }
  if (content.readUInt32LE(20) !== checksumOf(content)) {
    throw broken(file, 'its checksum does not match: the file is damaged');
  }
  const kind = content.subarray(8, 12);
  if (!KIND.equals(kind)) {
    throw broken(file, `it is a Millrace file of another kind (${kind.toString('latin1')})`);
  }
};

const checksumOf = (file: Buffer): number => crc32(file.subarray(HEADER_BYTES), crc32(file.subarray(8, 20)));

const broken = (file: string, problem: string, cause?: unknown): MillraceError =>
  new MillraceError('CHECKPOINT_BROKEN', `the checkpoint ${file} cannot be used: ${problem}`, { cause });
