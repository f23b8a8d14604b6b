import type { ByteReader } from '../common/byte-reader.ts';
import { messageOf, MillraceError } from '../common/errors.ts';
import { BINARY_KINDS_BY_TAG, DEEPEST_VALUE, ERROR_CLASSES, LONGEST_SHORT_STRING, TAG } from './value-tags.ts';

/** What a hole reads as, before it gets back into its array. */
const hole = Symbol('hole');

/** Reads one value as `writeValue` wrote it. Bytes that make no sense are CORRUPT_DATA. */
export const readValue = (reader: ByteReader): unknown => {
  try {
    const value = read(reader, 0);
    return value === hole ? reader.corrupt('a hole outside of an array') : value;
  } catch (thrown) {
    if (thrown instanceof MillraceError) {
      throw thrown;
    }
    throw new MillraceError('CORRUPT_DATA', `corrupt data before byte ${reader.offset}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
};

const NO_LIMIT = -1;
/** Objects that the value which is being read may still have. */
let objectsLeft = NO_LIMIT;

/**
 * As `readValue`, for bytes from a stranger: two bytes are enough for an empty `Map`, which takes a hundred times as
 * much memory. More than `objectsMax` objects are CORRUPT_DATA.
 */
export const readBoundedValue = (reader: ByteReader, objectsMax: number): unknown => {
  objectsLeft = objectsMax;
  try {
    return readValue(reader);
  } finally {
    objectsLeft = NO_LIMIT;
  }
};

const countObject = (reader: ByteReader): void => {
  if (objectsLeft-- === 0) {
    reader.corrupt('the value has more objects than one message may have');
  }
};

const read = (reader: ByteReader, depth: number): unknown => {
  const tag = reader.u8();
  if (tag >= TAG.smallInteger) {
    return tag - TAG.smallInteger;
  }
  if (tag >= TAG.shortString) {
    return reader.utf8(tag - TAG.shortString);
  }
  switch (tag) {
    case TAG.undefined:
      return undefined;
    case TAG.null:
      return null;
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.integer:
      return reader.zigzag();
    case TAG.double:
      return reader.f64();
    case TAG.bigint:
      return readBigint(reader);
    case TAG.utf8:
      return reader.string();
    case TAG.utf16:
      return readUtf16(reader);
    case TAG.date:
      return new Date(reader.f64());
    case TAG.hole:
      return hole;
    case TAG.regExp:
      if (objectsLeft !== NO_LIMIT) {
        countObject(reader);
      }
      return new RegExp(readString(reader), readString(reader));
    default:
      return readContainer(reader, tag, depth);
  }
};

const readContainer = (reader: ByteReader, tag: number, depth: number): unknown => {
  if (depth >= DEEPEST_VALUE) {
    reader.corrupt(`values are nested deeper than ${DEEPEST_VALUE} levels`);
  }
  if (objectsLeft !== NO_LIMIT) {
    countObject(reader);
  }
  switch (tag) {
    case TAG.object:
      return readFields(reader, {}, depth);
    case TAG.array:
      return readArray(reader, depth);
    case TAG.map:
      return readMap(reader, depth);
    case TAG.set:
      return readSet(reader, depth);
    case TAG.nullObject:
      return readFields(reader, Object.create(null) as Record<string, unknown>, depth);
    case TAG.error:
      return readError(reader, depth);
    default:
      return readBinary(reader, tag);
  }
};

/** A value inside of a container that has no holes. */
const readItem = (reader: ByteReader, depth: number): unknown => {
  const value = read(reader, depth + 1);
  return value === hole ? reader.corrupt('a hole outside of an array') : value;
};

const readString = (reader: ByteReader): string => {
  const tag = reader.u8();
  if (tag >= TAG.shortString && tag < TAG.smallInteger) {
    return reader.utf8(tag - TAG.shortString);
  }
  switch (tag) {
    case TAG.utf8:
      return reader.string();
    case TAG.utf16:
      return readUtf16(reader);
    default:
      return reader.corrupt(`a string is expected, not a value with tag ${tag}`);
  }
};

/** Names that were read lately, at a place that their length and two letters give. */
const names = new Array<string>(1024).fill('');

const readName = (reader: ByteReader): string => {
  const length = reader.peek(0) - TAG.shortString;
  if (length < 2 || length > LONGEST_SHORT_STRING) {
    return readString(reader);
  }
  const place = (length * 37 + reader.peek(1) * 11 + reader.peek(length) * 101) & 1023;
  reader.u8();
  return reader.ascii(length, names[place]!) ?? (names[place] = reader.utf8(length));
};

const readUtf16 = (reader: ByteReader): string => {
  const length = reader.count();
  if (length % 2 !== 0) {
    reader.corrupt(`${length} bytes of UTF-16`);
  }
  const bytes = reader.bytes(length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('utf16le');
};

const readBigint = (reader: ByteReader): bigint => {
  const length = reader.count();
  if (length === 0) {
    reader.corrupt('a bigint of 0 bytes');
  }
  const bigEndian = Buffer.from(reader.bytes(length).toReversed());
  return BigInt.asIntN(length * 8, BigInt(`0x${bigEndian.toString('hex')}`));
};

const readFields = (reader: ByteReader, target: Record<string, unknown>, depth: number): object => {
  for (let left = reader.count(2); left > 0; left--) {
    const name = readName(reader);
    const value = readItem(reader, depth);
    if (name === '__proto__') {
      Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
    } else {
      target[name] = value;
    }
  }
  return target;
};

const readArray = (reader: ByteReader, depth: number): unknown[] => {
  const items: unknown[] = [];
  const length = reader.count();
  for (let i = 0; i < length; i++) {
    const item = read(reader, depth + 1);
    if (item === hole) {
      items.length++;
    } else {
      items.push(item);
    }
  }
  return items;
};

const readMap = (reader: ByteReader, depth: number): Map<unknown, unknown> => {
  const map = new Map<unknown, unknown>();
  for (let left = reader.count(2); left > 0; left--) {
    const key = readItem(reader, depth);
    map.set(key, readItem(reader, depth));
  }
  return map;
};

const readSet = (reader: ByteReader, depth: number): Set<unknown> => {
  const set = new Set<unknown>();
  for (let left = reader.count(); left > 0; left--) {
    set.add(readItem(reader, depth));
  }
  return set;
};

const readError = (reader: ByteReader, depth: number): Error => {
  const name = readString(reader);
  const message = readString(reader);
  const stack = readString(reader);
  const cause = read(reader, depth + 1);
  const error = new (ERROR_CLASSES.get(name) ?? Error)(message, cause === hole ? undefined : { cause });
  const hidden = { writable: true, enumerable: false, configurable: true };
  Object.defineProperty(error, 'stack', { ...hidden, value: stack });
  if (error.name !== name) {
    Object.defineProperty(error, 'name', { ...hidden, value: name });
  }
  if (reader.u8() !== TAG.object) {
    reader.corrupt('the fields of an error are not an object');
  }
  readFields(reader, error as unknown as Record<string, unknown>, depth);
  return error;
};

const readBinary = (reader: ByteReader, tag: number): unknown => {
  const kind = BINARY_KINDS_BY_TAG.get(tag);
  if (kind === undefined) {
    return reader.corrupt(`no value has the tag ${tag}`);
  }
  const length = reader.count();
  if (length % kind.elementBytes !== 0) {
    reader.corrupt(`${length} bytes of elements of ${kind.elementBytes} bytes`);
  }
  return kind.over(new Uint8Array(reader.bytes(length)).buffer);
};
