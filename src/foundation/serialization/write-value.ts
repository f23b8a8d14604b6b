import type { ByteWriter } from '../common/byte-writer.ts';
import { messageOf, MillraceError } from '../common/errors.ts';
import { untravellable } from './untravellable.ts';
import {
  BINARY_KINDS,
  type BinaryKind,
  type BinaryValue,
  DEEPEST_VALUE,
  INTEGER_LIMIT,
  isPlainPrototype,
  LARGEST_SMALL_INTEGER,
  LONGEST_SHORT_STRING,
  TAG,
} from './value-tags.ts';

/** Thrown inside, replaced by an error that names the field. */
const refused = new Error('refused');

/**
 * Writes one value without the version byte: for formats that have a version of their own. What cannot travel is
 * BAD_RECORD, the message names the field; `name` stands for the value itself in it. Nothing is written then.
 *
 * Fields with a symbol for a name, fields that are not enumerable and extra fields of arrays are left out, as by
 * `structuredClone`. An object that is referred to twice becomes two objects.
 */
export const writeValue = (writer: ByteWriter, value: unknown, name = 'value'): void => {
  const start = writer.length;
  try {
    write(writer, value, 0);
  } catch (thrown) {
    writer.reset(start);
    if (thrown === refused) {
      throw untravellable(value, name);
    }
    // Too large, or a getter or a proxy of the user threw.
    throw new MillraceError('BAD_RECORD', `${name} cannot be encoded: ${messageOf(thrown)}`, { cause: thrown });
  }
};

const write = (writer: ByteWriter, value: unknown, depth: number): void => {
  switch (typeof value) {
    case 'string':
      return writeString(writer, value);
    case 'number':
      return writeNumber(writer, value);
    case 'boolean':
      return writer.u8(value ? TAG.true : TAG.false);
    case 'undefined':
      return writer.u8(TAG.undefined);
    case 'bigint':
      return writeBigint(writer, value);
    case 'object':
      return value === null ? writer.u8(TAG.null) : writeObject(writer, value, depth);
    default:
      throw refused;
  }
};

const writeString = (writer: ByteWriter, text: string): void => {
  if (writer.shortAscii(TAG.shortString, text, LONGEST_SHORT_STRING)) {
    return;
  }
  const start = writer.length;
  writer.u8(TAG.utf8);
  // As many bytes as units: all ASCII, no need to look for lone surrogates.
  if (writer.string(text) !== text.length && !text.isWellFormed()) {
    writer.reset(start);
    writer.u8(TAG.utf16);
    writer.varint(text.length * 2);
    writer.bytes(Buffer.from(text, 'utf16le'));
  }
};

const writeNumber = (writer: ByteWriter, value: number): void => {
  if (Number.isInteger(value) && value > -INTEGER_LIMIT && value < INTEGER_LIMIT && !Object.is(value, -0)) {
    if (value >= 0 && value <= LARGEST_SMALL_INTEGER) {
      writer.u8(TAG.smallInteger + value);
    } else {
      writer.u8(TAG.integer);
      writer.zigzag(value);
    }
  } else {
    writer.u8(TAG.double);
    writer.f64(value);
  }
};

/** Two's complement, little-endian, in as few bytes as hold the sign. */
const writeBigint = (writer: ByteWriter, value: bigint): void => {
  const magnitudeBits = value === 0n ? 0 : (value < 0n ? ~value : value).toString(16).length * 4;
  const byteLength = Math.floor(magnitudeBits / 8) + 1;
  const bytes = Buffer.from(
    BigInt.asUintN(byteLength * 8, value)
      .toString(16)
      .padStart(byteLength * 2, '0'),
    'hex',
  );
  writer.u8(TAG.bigint);
  writer.varint(byteLength);
  writer.bytes(bytes.toReversed());
};

const writeObject = (writer: ByteWriter, value: object, depth: number): void => {
  if (depth >= DEEPEST_VALUE) {
    throw refused;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    writeFields(writer, TAG.object, value, depth);
  } else if (Array.isArray(value)) {
    writeArray(writer, value, depth);
  } else if (prototype === Date.prototype) {
    writer.u8(TAG.date);
    writer.f64((value as Date).getTime());
  } else if (prototype === Map.prototype) {
    writeMap(writer, value as Map<unknown, unknown>, depth);
  } else if (prototype === Set.prototype) {
    writeSet(writer, value as Set<unknown>, depth);
  } else if (prototype === null) {
    writeFields(writer, TAG.nullObject, value, depth);
  } else {
    writeRareObject(writer, value, prototype, depth);
  }
};

const writeFields = (writer: ByteWriter, tag: number, value: object, depth: number): void => {
  const names = Object.keys(value);
  writer.u8(tag);
  writer.varint(names.length);
  for (const name of names) {
    writeString(writer, name);
    write(writer, (value as Record<string, unknown>)[name], depth + 1);
  }
};

const writeArray = (writer: ByteWriter, value: readonly unknown[], depth: number): void => {
  const length = value.length;
  writer.u8(TAG.array);
  writer.varint(length);
  for (let i = 0; i < length; i++) {
    const item = value[i];
    if (item === undefined && !(i in value)) {
      writer.u8(TAG.hole);
    } else {
      write(writer, item, depth + 1);
    }
  }
};

const writeMap = (writer: ByteWriter, value: ReadonlyMap<unknown, unknown>, depth: number): void => {
  writer.u8(TAG.map);
  writer.varint(value.size);
  for (const [key, item] of value) {
    write(writer, key, depth + 1);
    write(writer, item, depth + 1);
  }
};

const writeSet = (writer: ByteWriter, value: ReadonlySet<unknown>, depth: number): void => {
  writer.u8(TAG.set);
  writer.varint(value.size);
  for (const item of value) {
    write(writer, item, depth + 1);
  }
};

const writeRareObject = (writer: ByteWriter, value: object, prototype: unknown, depth: number): void => {
  const binary = BINARY_KINDS.get(prototype);
  if (binary !== undefined) {
    writeBinary(writer, binary, value as BinaryValue);
  } else if (prototype === RegExp.prototype) {
    writer.u8(TAG.regExp);
    writeString(writer, (value as RegExp).source);
    writeString(writer, (value as RegExp).flags);
  } else if (value instanceof Error) {
    writeError(writer, value, depth);
  } else if (isPlainPrototype(prototype)) {
    writeFields(writer, TAG.object, value, depth);
  } else {
    throw refused;
  }
};

const writeBinary = (writer: ByteWriter, kind: BinaryKind, value: BinaryValue): void => {
  const bytes =
    value instanceof ArrayBuffer
      ? new Uint8Array(value)
      : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  writer.u8(kind.tag);
  writer.varint(bytes.length);
  writer.bytes(bytes);
};

/** Nothing keeps users from giving an error a name that is not a string. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Name, message, stack, cause (a hole: none), then the enumerable fields, `code` among them, as an object. */
const writeError = (writer: ByteWriter, value: Error, depth: number): void => {
  writer.u8(TAG.error);
  writeString(writer, textOf(value.name));
  writeString(writer, textOf(value.message));
  writeString(writer, textOf(value.stack));
  if (Object.hasOwn(value, 'cause')) {
    write(writer, value.cause, depth + 1);
  } else {
    writer.u8(TAG.hole);
  }
  writeFields(writer, TAG.object, value, depth);
};
