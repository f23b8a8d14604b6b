import { ByteReader } from '../common/byte-reader.ts';
import { messageOf, MillraceError } from '../common/errors.ts';
import { BATCH_FORMAT_VERSION, BATCH_HEADER_BYTES, FLAG, MOST_RECORDS, TEXT } from './column-format.ts';
import { ColumnReader, corruptBatch } from './column-reader.ts';
import { readValue } from './read-value.ts';
import { type ScratchArrays, withScratchArrays } from './scratch-arrays.ts';
import { parseShape } from './shape.ts';
import { ShapeDecoder, type TextCursor } from './shape-decoder.ts';
import { planShape } from './shape-plan.ts';

const columns = new ColumnReader();

export interface DecodedBatch {
  readonly values: unknown[];
  /** `undefined` when no record has one. */
  readonly timestamps: Float64Array | undefined;
  readonly count: number;
}

interface Run {
  readonly section: number;
  readonly length: number;
}

/**
 * Decodes the batches of one channel, all of them and in order. Bytes that make no sense are CORRUPT_DATA; after that
 * the decoder refuses further batches.
 */
export class BatchDecoder {
  readonly #shapes = new Map<number, ShapeDecoder>();
  #sequence = 0;
  #broken = false;

  /** `bytes`: what `BatchEncoder.encode` gave, without the headroom. */
  decode(bytes: Uint8Array): DecodedBatch {
    if (this.#broken) {
      throw corruptBatch('a batch before this one was corrupt');
    }
    return withScratchArrays((scratch) => {
      try {
        return this.#decode(bytes, scratch);
      } catch (thrown) {
        this.#broken = true;
        throw thrown instanceof MillraceError
          ? thrown
          : new MillraceError('CORRUPT_DATA', `corrupt batch of records: ${messageOf(thrown)}`, { cause: thrown });
      } finally {
        for (const shape of this.#shapes.values()) {
          shape.end();
        }
      }
    });
  }

  #decode(bytes: Uint8Array, scratch: ScratchArrays): DecodedBatch {
    const { flags, cursor } = this.#begin(bytes);
    const count = columns.varint();
    if (count > MOST_RECORDS) {
      throw corruptBatch(`${count} records`);
    }
    if ((flags & FLAG.reset) !== 0) {
      this.#shapes.clear();
    }
    if ((flags & FLAG.shapes) !== 0) {
      this.#readNews();
    }
    const sections = this.#readSections(count);
    const runs = (flags & FLAG.runs) === 0 ? undefined : readRuns(sections.length, count);
    const timestamps = (flags & FLAG.timestamps) === 0 ? undefined : readTimestamps(count);
    const values = this.#readValues(sections, runs, scratch, cursor, count);
    if (columns.remaining > 0 || cursor.position !== cursor.text.length) {
      throw corruptBatch(`${columns.remaining} bytes and ${cursor.text.length - cursor.position} characters left over`);
    }
    return { values, timestamps, count };
  }

  #begin(bytes: Uint8Array): { readonly flags: number; readonly cursor: TextCursor } {
    if (bytes.length < BATCH_HEADER_BYTES) {
      throw corruptBatch(`${bytes.length} bytes`);
    }
    const header = new DataView(bytes.buffer, bytes.byteOffset, BATCH_HEADER_BYTES);
    if (header.getUint8(0) !== BATCH_FORMAT_VERSION) {
      throw corruptBatch(`format version ${header.getUint8(0)}, not ${BATCH_FORMAT_VERSION}`);
    }
    const flags = header.getUint8(2);
    // A sender that failed to encode a batch begins anew without a gap in the sequence.
    if (header.getUint8(1) !== this.#sequence) {
      throw corruptBatch(`batch ${header.getUint8(1)} came where ${this.#sequence} is due`);
    }
    this.#sequence = (this.#sequence + 1) & 255;
    const textStart = header.getUint32(4, true);
    const textEnd = textStart + header.getUint32(8, true);
    if (textStart < BATCH_HEADER_BYTES || textEnd > bytes.length) {
      throw corruptBatch(`text from byte ${textStart} to ${textEnd} of ${bytes.length}`);
    }
    const text = decodeText(header.getUint8(3), bytes, textStart, textEnd);
    if (text.length !== header.getUint32(12, true)) {
      throw corruptBatch(`${text.length} characters of text`);
    }
    columns.begin(bytes.subarray(0, textStart));
    return { flags, cursor: { text, position: 0 } };
  }

  #readNews(): void {
    for (let left = columns.varint(); left > 0; left--) {
      if (!this.#shapes.delete(columns.varint())) {
        throw corruptBatch('a shape that is not there ends');
      }
    }
    for (let left = columns.varint(); left > 0; left--) {
      const id = columns.varint();
      const reader = new ByteReader(columns.raw(columns.varint()));
      const shape = parseShape(readValue(reader));
      const plan = shape && planShape(shape);
      if (plan === undefined || id === 0 || this.#shapes.has(id)) {
        throw corruptBatch(`shape ${id} makes no sense`);
      }
      this.#shapes.set(id, new ShapeDecoder(plan));
    }
  }

  /** The shapes that have records in this batch; undefined for values without a shape. */
  #readSections(count: number): (ShapeDecoder | undefined)[] {
    const sections: (ShapeDecoder | undefined)[] = [];
    for (let left = columns.varint(); left > 0; left--) {
      const id = columns.varint();
      const shape = this.#shapes.get(id);
      if ((shape === undefined && id !== 0) || sections.includes(shape)) {
        throw corruptBatch(`shape ${id} is not known`);
      }
      sections.push(shape);
    }
    if (sections.length === 0 && count > 0) {
      throw corruptBatch(`no records, not ${count}`);
    }
    return sections;
  }

  #readValues(
    sections: readonly (ShapeDecoder | undefined)[],
    runs: readonly Run[] | undefined,
    scratch: ScratchArrays,
    cursor: TextCursor,
    count: number,
  ): unknown[] {
    const values = new Array<unknown>(count);
    if (runs === undefined) {
      if (
        sections.length > 1 ||
        (sections.length === 1 && readSection(sections[0], values, scratch, cursor, count) !== count)
      ) {
        throw corruptBatch(`there are not ${count} records`);
      }
      return values;
    }
    const made = sections.map((section) => {
      const own: unknown[] = [];
      const length = readSection(section, own, scratch, cursor, count);
      return { own, length, next: 0 };
    });
    let at = 0;
    for (const { section, length } of runs) {
      const from = made[section]!;
      for (let left = length; left > 0; left--) {
        values[at++] = from.own[from.next++];
      }
    }
    if (at !== count || made.some(({ length, next }) => length !== next)) {
      throw corruptBatch('the runs of records do not add up');
    }
    return values;
  }
}

const readSection = (
  section: ShapeDecoder | undefined,
  target: unknown[],
  scratch: ScratchArrays,
  cursor: TextCursor,
  count: number,
): number => {
  if (section !== undefined) {
    const rows = section.read(columns, scratch, cursor, count);
    section.make(target, 0, cursor);
    return rows;
  }
  const rows = columns.varint();
  if (rows > count) {
    throw corruptBatch(`${rows} values in a batch of ${count}`);
  }
  const reader = new ByteReader(columns.raw(columns.varint()));
  for (let i = 0; i < rows; i++) {
    target[i] = readValue(reader);
  }
  if (reader.remaining > 0) {
    throw corruptBatch(`${reader.remaining} bytes of values are left over`);
  }
  return rows;
};

const readRuns = (sectionCount: number, count: number): Run[] => {
  const runs: Run[] = [];
  let sum = 0;
  for (let left = columns.varint(); left > 0; left--) {
    const section = columns.varint();
    const length = columns.varint();
    sum += length;
    if (section >= sectionCount || sum > count) {
      throw corruptBatch('the runs of records do not add up');
    }
    runs.push({ section, length });
  }
  return runs;
};

/** Not from the scratch arrays: the caller keeps them. */
const readTimestamps = (count: number): Float64Array => {
  const timestamps = new Float64Array(count);
  columns.readNumbersInto(timestamps, count);
  return timestamps;
};

const decodeText = (encoding: number, bytes: Uint8Array, start: number, end: number): string => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (encoding) {
    case TEXT.none:
      return '';
    case TEXT.ascii:
      return buffer.toString('latin1', start, end);
    case TEXT.utf8:
      return buffer.toString('utf8', start, end);
    case TEXT.utf16:
      return buffer.toString('utf16le', start, end);
    default:
      throw corruptBatch(`text cannot be encoded as ${encoding}`);
  }
};
