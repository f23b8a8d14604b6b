import { crc32 } from 'node:zlib';
import { ByteReader } from '../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../foundation/common/byte-writer.ts';
import { readValue, VALUE_FORMAT_VERSION, writeValue } from '../../foundation/serialization/value-codec.ts';
import { checkFormatVersion } from './format-version.ts';
import { CHECKSUM_BYTES, encodeChecksum, verifyChecksum } from './trailing-checksum.ts';

/*
 * The operator state of one subtask, described for others in docs/formats/state.md:
 *
 *   state := magic[4] version:u8 valueVersion:u8 lists:varint list* crc32:u32
 *   list  := redistribution:u8 name:string items:varint byteLength:varint value*
 */
const MAGIC = 0x4f4b524d;
const VERSION = 1;
/** Numbers are part of the format: never change or reuse one. */
const REDISTRIBUTIONS = { split: 1, union: 2 } as const;

export type Redistribution = keyof typeof REDISTRIBUTIONS;

export interface OperatorStateList {
  readonly name: string;
  readonly redistribution: Redistribution;
  readonly items: readonly unknown[];
}

/** `owner` stands for the state in the message about an item that cannot be encoded (BAD_RECORD). */
export const encodeOperatorState = (lists: readonly OperatorStateList[], owner: string): Uint8Array<ArrayBuffer> => {
  const writer = new ByteWriter(1024);
  const values = new ByteWriter(1024);
  writer.u32(MAGIC);
  writer.u8(VERSION);
  writer.u8(VALUE_FORMAT_VERSION);
  writer.varint(lists.length);
  for (const { name, redistribution, items } of lists) {
    values.reset();
    for (const [index, item] of items.entries()) {
      writeValue(values, item, `item ${index} of list '${name}' of ${owner}`);
    }
    writer.u8(REDISTRIBUTIONS[redistribution]);
    writer.string(name);
    writer.varint(items.length);
    writer.varint(values.length);
    writer.bytes(values.peek());
  }
  writer.bytes(encodeChecksum(crc32(writer.peek())));
  return writer.take();
};

/** Errors: CORRUPT_DATA, CHECKPOINT_NEWER_VERSION. */
export const decodeOperatorState = (bytes: Uint8Array): readonly OperatorStateList[] => {
  const end = bytes.length - CHECKSUM_BYTES;
  const reader = new ByteReader(bytes, 0, Math.max(0, end));
  if (reader.u32() !== MAGIC) {
    reader.corrupt('this is no operator state of Millrace');
  }
  checkFormatVersion('operator state', reader.u8(), VERSION);
  checkFormatVersion('values in operator state', reader.u8(), VALUE_FORMAT_VERSION);
  verifyChecksum(bytes, reader);
  const lists: OperatorStateList[] = [];
  for (let left = reader.count(4); left > 0; left--) {
    lists.push(decodeList(reader));
  }
  if (reader.remaining > 0) {
    reader.corrupt(`${reader.remaining} bytes after the last list`);
  }
  return lists;
};

const decodeList = (reader: ByteReader): OperatorStateList => {
  const code = reader.u8();
  const name = reader.string();
  const redistribution =
    code === REDISTRIBUTIONS.split
      ? 'split'
      : code === REDISTRIBUTIONS.union
        ? 'union'
        : reader.corrupt(`list '${name}' has the unknown redistribution ${code}`);
  const count = reader.varint();
  const byteLength = reader.count();
  const end = reader.offset + byteLength;
  if (count > byteLength) {
    reader.corrupt(`${count} items in ${byteLength} bytes`);
  }
  const items: unknown[] = [];
  for (let left = count; left > 0; left--) {
    items.push(readValue(reader));
  }
  if (reader.offset !== end) {
    reader.corrupt(`the items of list '${name}' end at ${reader.offset} instead of ${end}`);
  }
  return { name, redistribution, items };
};
