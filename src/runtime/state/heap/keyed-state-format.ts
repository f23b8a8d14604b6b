import { ByteReader } from '../../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import { VALUE_FORMAT_VERSION } from '../../../foundation/serialization/value-codec.ts';
import { checkFormatVersion } from '../format-version.ts';
import { CHECKSUM_BYTES, verifyChecksum } from '../trailing-checksum.ts';
import { STATE_KINDS, type StateKind, stateKindOf } from './state-kind.ts';

/*
 * A segment of keyed state, described for others in docs/formats/state.md:
 *
 *   segment := magic[4] version:u8 valueVersion:u8 flags:u8 head block* crc32:u32
 *   head    := checkpointId:varint operatorName:string maxParallelism:varint keyGroupStart:varint keyGroupEnd:varint
 *              states:varint (kind:u8 name:string)*
 *              blocks:varint (keyGroup:varint state:varint removals:varint entries:varint byteLength:varint)*
 *   block   := removal* entry*
 */
const MAGIC = 0x534b524d;
export const KEYED_STATE_VERSION = 1;
const FLAG_FULL = 1;

export interface SegmentHead {
  readonly full: boolean;
  readonly checkpointId: number;
  readonly operatorName: string;
  readonly maxParallelism: number;
  readonly keyGroupStart: number;
  readonly keyGroupEnd: number;
  readonly states: readonly SegmentState[];
  /** In the order of the file: by key group, then by state. */
  readonly blocks: readonly SegmentBlock[];
}

export interface SegmentState {
  readonly kind: StateKind;
  readonly name: string;
}

/** What one segment has of one state and key group: names of entries that are gone, then entries. */
export interface SegmentBlock {
  readonly keyGroup: number;
  /** Index into `states`. */
  readonly state: number;
  readonly removals: number;
  readonly entries: number;
  readonly byteLength: number;
}

export const encodeSegmentHead = (head: SegmentHead): Uint8Array => {
  const writer = new ByteWriter(1024);
  writer.u32(MAGIC);
  writer.u8(KEYED_STATE_VERSION);
  writer.u8(VALUE_FORMAT_VERSION);
  writer.u8(head.full ? FLAG_FULL : 0);
  writer.varint(head.checkpointId);
  writer.string(head.operatorName);
  writer.varint(head.maxParallelism);
  writer.varint(head.keyGroupStart);
  writer.varint(head.keyGroupEnd);
  writer.varint(head.states.length);
  for (const { kind, name } of head.states) {
    writer.u8(STATE_KINDS[kind]);
    writer.string(name);
  }
  writer.varint(head.blocks.length);
  for (const { keyGroup, state, removals, entries, byteLength } of head.blocks) {
    writer.varint(keyGroup);
    writer.varint(state);
    writer.varint(removals);
    writer.varint(entries);
    writer.varint(byteLength);
  }
  return writer.take();
};

/** A verified segment, whose blocks can be read one by one. */
export interface Segment {
  readonly head: SegmentHead;
  /** The bytes of each block of `head.blocks`. */
  blockReader(block: number): ByteReader;
}

/** Errors: CORRUPT_DATA, CHECKPOINT_NEWER_VERSION. */
export const decodeSegment = (bytes: Uint8Array): Segment => {
  const end = bytes.length - CHECKSUM_BYTES;
  const reader = new ByteReader(bytes, 0, Math.max(0, end));
  if (reader.u32() !== MAGIC) {
    reader.corrupt('this is no keyed state of Millrace');
  }
  checkFormatVersion('keyed state', reader.u8(), KEYED_STATE_VERSION);
  checkFormatVersion('values in keyed state', reader.u8(), VALUE_FORMAT_VERSION);
  verifyChecksum(bytes, reader);
  const head = decodeHead(reader);
  const offsets = [reader.offset];
  for (const { byteLength } of head.blocks) {
    offsets.push(offsets.at(-1)! + byteLength);
  }
  if (offsets.at(-1) !== end) {
    reader.corrupt(`the blocks end at byte ${offsets.at(-1)} instead of ${end}`);
  }
  return { head, blockReader: (block) => new ByteReader(bytes, offsets[block], offsets[block + 1]) };
};

const decodeHead = (reader: ByteReader): SegmentHead => {
  const flags = reader.u8();
  return {
    full: (flags & FLAG_FULL) !== 0,
    checkpointId: reader.varint(),
    operatorName: reader.string(),
    maxParallelism: reader.varint(),
    keyGroupStart: reader.varint(),
    keyGroupEnd: reader.varint(),
    ...decodeContent(reader),
  };
};

const decodeContent = (reader: ByteReader): Pick<SegmentHead, 'states' | 'blocks'> => {
  const states: SegmentState[] = [];
  for (let left = reader.count(2); left > 0; left--) {
    const code = reader.u8();
    const name = reader.string();
    const kind = stateKindOf(code) ?? reader.corrupt(`state '${name}' is of the unknown kind ${code}`);
    states.push({ kind, name });
  }
  const blocks: SegmentBlock[] = [];
  for (let left = reader.count(5); left > 0; left--) {
    const block = {
      keyGroup: reader.varint(),
      state: reader.varint(),
      removals: reader.varint(),
      entries: reader.varint(),
      byteLength: reader.varint(),
    };
    if (block.state >= states.length) {
      reader.corrupt(`a block of state ${block.state} of ${states.length}`);
    }
    blocks.push(block);
  }
  return { states, blocks };
};
