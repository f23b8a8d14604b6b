import { ByteWriter } from '../common/byte-writer.ts';
import { messageOf, MillraceError } from '../common/errors.ts';
import { BATCH_FORMAT_VERSION, FLAG, isLittleEndian, MOST_RECORDS, TEXT, TEXT_SLACK_BYTES } from './column-format.ts';
import { ColumnWriter } from './column-writer.ts';
import { type ScratchArrays, withScratchArrays } from './scratch-arrays.ts';
import type { ShapeEncoder } from './shape-encoder.ts';
import { ShapeTable } from './shape-table.ts';
import { writeValue } from './write-value.ts';

const LARGEST_KEPT_BYTES = 1_048_576;
/** `Downstream.process` gives records without a timestamp this one. */
const NO_TIMESTAMP = Number.NEGATIVE_INFINITY;

const columns = new ColumnWriter();

export interface BatchEncoderOptions {
  /** Bytes left free before the batch, for the header of its frame. */
  readonly headroom: number;
  /** For messages: who sends the records. */
  readonly operatorName: string;
}

/**
 * Encodes the batches of one channel, in order, for the `BatchDecoder` at its other end. It learns the shapes of the
 * records and sends shapes and repeated strings once; docs/formats/batches.md describes the bytes.
 *
 * Takes what `writeValue` takes. For anything else `encode` throws BAD_RECORD, nothing was sent then, and the encoder
 * may go on with other records.
 */
export class BatchEncoder {
  readonly #headroom: number;
  readonly #operatorName: string;
  #shapes = new ShapeTable();
  /** Of records that fit no shape. */
  #values = new ByteWriter(16);
  #valueCount = 0;
  /** Sections in the order of their first record; undefined: values that fit no shape. */
  #sections: (ShapeEncoder | undefined)[] = [];
  #runSections: number[] = [];
  #runLengths: number[] = [];
  #sequence = 0;
  #reset = true;

  constructor(options: BatchEncoderOptions) {
    if (!isLittleEndian) {
      throw new MillraceError('UNSUPPORTED', 'Millrace needs a little-endian processor, as x86-64 and ARM64 are');
    }
    this.#headroom = options.headroom;
    this.#operatorName = options.operatorName;
  }

  /**
   * The first `count` values, with their timestamps (`undefined`: none has one). The result covers an ArrayBuffer of its
   * own, with `headroom` free bytes first.
   */
  encode(
    values: readonly unknown[],
    timestamps: readonly number[] | Float64Array | undefined,
    count: number,
  ): Uint8Array<ArrayBuffer> {
    if (count > MOST_RECORDS || count > values.length) {
      throw new RangeError(`a batch of ${count} records; at most ${MOST_RECORDS} fit and ${values.length} came`);
    }
    return withScratchArrays((scratch) => {
      try {
        this.#put(values, count, scratch);
        const encoded = this.#write(timestamps, count, scratch);
        this.#reset = false;
        return encoded;
      } catch (thrown) {
        this.#startOver();
        throw this.#explain(thrown, values, count);
      } finally {
        this.#end();
      }
    });
  }

  #put(values: readonly unknown[], count: number, scratch: ScratchArrays): void {
    this.#shapes.beginBatch(scratch, count);
    let at = 0;
    while (at < count) {
      const shape = this.#shapes.current;
      let next = shape === undefined ? at : shape.put(values, at, count);
      if (next > at) {
        this.#run(shape, next - at);
        at = next;
        if (at === count) {
          return;
        }
      }
      next = this.#shapes.putOther(values, at, count);
      if (next > at) {
        this.#run(this.#shapes.current, next - at);
        at = next;
      } else if (!this.#shapes.learn(values, at, count)) {
        writeValue(this.#values, values[at]);
        this.#valueCount++;
        this.#run(undefined, 1);
        at++;
      }
    }
  }

  #run(section: ShapeEncoder | undefined, length: number): void {
    let index = this.#sections.indexOf(section);
    if (index < 0) {
      index = this.#sections.push(section) - 1;
    }
    const last = this.#runSections.length - 1;
    if (last >= 0 && this.#runSections[last] === index) {
      this.#runLengths[last]! += length;
    } else {
      this.#runSections.push(index);
      this.#runLengths.push(length);
    }
  }

  #write(
    timestamps: readonly number[] | Float64Array | undefined,
    count: number,
    scratch: ScratchArrays,
  ): Uint8Array<ArrayBuffer> {
    columns.begin();
    columns.varint(count);
    let flags = this.#reset ? FLAG.reset : 0;
    if (this.#shapes.hasNews) {
      flags |= FLAG.shapes;
      this.#shapes.writeNews(columns);
    }
    columns.varint(this.#sections.length);
    for (const section of this.#sections) {
      columns.varint(section?.id ?? 0);
    }
    if (this.#runSections.length > 1) {
      flags |= FLAG.runs;
      this.#writeRuns();
    }
    flags |= writeTimestamps(timestamps, count, scratch);
    for (const section of this.#sections) {
      if (section === undefined) {
        columns.varint(this.#valueCount);
        columns.varint(this.#values.length);
        columns.raw(this.#values.peek());
      } else {
        section.write(columns);
      }
    }
    return this.#finish(flags);
  }

  #writeRuns(): void {
    columns.varint(this.#runSections.length);
    for (let i = 0; i < this.#runSections.length; i++) {
      columns.varint(this.#runSections[i]!);
      columns.varint(this.#runLengths[i]!);
    }
  }

  /** The header, and all strings in one piece at the end. */
  #finish(flags: number): Uint8Array<ArrayBuffer> {
    const text = this.#text();
    const units = text.length;
    const textStart = this.#headroom + columns.length;
    let capacity = units === 0 ? 0 : units + TEXT_SLACK_BYTES;
    let buffer = this.#allocate(textStart + capacity);
    let textBytes = buffer.write(text, textStart, capacity, 'utf8');
    let encoding: number = units === 0 ? TEXT.none : TEXT.ascii;
    if (textBytes !== units) {
      // More bytes than units, so not all ASCII, and perhaps not all of it.
      const isUtf8 = text.isWellFormed();
      encoding = isUtf8 ? TEXT.utf8 : TEXT.utf16;
      capacity = isUtf8 ? Buffer.byteLength(text, 'utf8') : units * 2;
      buffer = this.#allocate(textStart + capacity);
      textBytes = buffer.write(text, textStart, capacity, isUtf8 ? 'utf8' : 'utf16le');
    }
    buffer.fill(0, textStart + textBytes);
    columns.header(BATCH_FORMAT_VERSION, this.#sequence, flags, encoding, textBytes, units);
    columns.copyTo(buffer, this.#headroom);
    this.#sequence = (this.#sequence + 1) & 255;
    return new Uint8Array(buffer.buffer);
  }

  /** Not zeroed but for the headroom, as all of it gets written: zeroing costs more than encoding. Never from a pool. */
  #allocate(length: number): Buffer<ArrayBuffer> {
    return Buffer.allocUnsafeSlow(length).fill(0, 0, this.#headroom);
  }

  #text(): string {
    let text = '';
    for (const section of this.#sections) {
      text += section?.text() ?? '';
    }
    return text;
  }

  #end(): void {
    this.#shapes.endBatch();
    this.#sections.length = 0;
    this.#runSections.length = 0;
    this.#runLengths.length = 0;
    this.#valueCount = 0;
    this.#values.reset();
    if (this.#values.capacity > LARGEST_KEPT_BYTES) {
      this.#values = new ByteWriter(16);
    }
  }

  /** Shapes and words of a batch that failed never reached the receiver. */
  #startOver(): void {
    this.#shapes.endBatch();
    this.#shapes = new ShapeTable();
    this.#reset = true;
  }

  /** Names the record's field, which the encoder does not keep track of. */
  #explain(thrown: unknown, values: readonly unknown[], count: number): unknown {
    const writer = new ByteWriter();
    for (let i = 0; i < count; i++) {
      try {
        writeValue(writer, values[i], 'record');
        writer.reset();
      } catch (refused) {
        return new MillraceError(
          'BAD_RECORD',
          `a record of operator "${this.#operatorName}" cannot be sent: ${messageOf(refused)}`,
          {
            cause: refused,
          },
        );
      }
    }
    return thrown;
  }
}

const writeTimestamps = (
  timestamps: readonly number[] | Float64Array | undefined,
  count: number,
  scratch: ScratchArrays,
): number => {
  if (timestamps === undefined || !hasTimestamp(timestamps, count)) {
    return 0;
  }
  if (timestamps instanceof Float64Array) {
    columns.numbers(timestamps, count);
  } else {
    const copy = scratch.floats(count);
    for (let i = 0; i < count; i++) {
      copy[i] = timestamps[i]!;
    }
    columns.numbers(copy, count);
  }
  return FLAG.timestamps;
};

const hasTimestamp = (timestamps: readonly number[] | Float64Array, count: number): boolean => {
  for (let i = 0; i < count; i++) {
    if (timestamps[i] !== NO_TIMESTAMP) {
      return true;
    }
  }
  return false;
};
