import { ByteReader } from '../common/byte-reader.ts';
import { ByteWriter } from '../common/byte-writer.ts';
import { MillraceError } from '../common/errors.ts';
import { readValue } from './read-value.ts';
import { VALUE_FORMAT_VERSION } from './value-tags.ts';
import { writeValue } from './write-value.ts';

export { readBoundedValue, readValue } from './read-value.ts';
export { VALUE_FORMAT_VERSION } from './value-tags.ts';
export { writeValue } from './write-value.ts';

/** One writer for all calls, which do not nest: a getter of a value that encodes another one gets its own. */
let idleWriter: ByteWriter | undefined = new ByteWriter(4096);
/** A larger writer is not kept. */
const LARGEST_KEPT_BYTES = 1_048_576;

/**
 * A version byte, then the value. Restores as it was: undefined, null, booleans, numbers (-0 and NaN too), bigints,
 * strings (lone surrogates too), Date, Map, Set, RegExp, Error, Buffer, ArrayBuffer, DataView and typed arrays, arrays
 * (holes too), plain objects (the order of fields and undefined fields too; with or without a prototype). Anything else
 * is BAD_RECORD, see `writeValue`.
 */
export const encodeValue = (value: unknown, name = 'value'): Uint8Array<ArrayBuffer> => {
  const writer = idleWriter ?? new ByteWriter();
  idleWriter = undefined;
  try {
    writer.u8(VALUE_FORMAT_VERSION);
    writeValue(writer, value, name);
    return writer.take();
  } finally {
    writer.reset();
    if (writer.capacity <= LARGEST_KEPT_BYTES) {
      idleWriter = writer;
    }
  }
};

/** The value of `encodeValue`. Bytes that it did not write are CORRUPT_DATA. */
export const decodeValue = (bytes: Uint8Array): unknown => {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VALUE_FORMAT_VERSION) {
    throw new MillraceError(
      'CORRUPT_DATA',
      `a value has format version ${version}, this Millrace reads version ${VALUE_FORMAT_VERSION}: ` +
        'the data is corrupt or was written by a newer Millrace',
    );
  }
  const value = readValue(reader);
  return reader.remaining === 0 ? value : reader.corrupt(`${reader.remaining} bytes after the end of the value`);
};
