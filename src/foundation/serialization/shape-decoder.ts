import { ByteReader } from '../common/byte-reader.ts';
import { FIRST_CODE, STRINGS } from './column-format.ts';
import { type ColumnReader, corruptBatch } from './column-reader.ts';
import { detachString } from './detach.ts';
import { type DecoderColumns, generateDecoder, type MakeRecords } from './generate-decoder.ts';
import { hasNulls } from './generate-encoder.ts';
import { readValue } from './read-value.ts';
import type { ScratchArrays } from './scratch-arrays.ts';
import { type Column, mostRows, type ShapePlan } from './shape-plan.ts';

/** The text of a batch and where the next string of it begins. */
export interface TextCursor {
  readonly text: string;
  position: number;
}

/**
 * The columns of the records of one shape in the batch that is being decoded, and the dictionaries of the channel for
 * it.
 */
export class ShapeDecoder implements DecoderColumns {
  readonly arrays: unknown[];
  readonly nulls: (Uint8Array | undefined)[];
  readonly words: ((string | null | undefined)[] | undefined)[];
  text = '';
  position = 0;

  readonly #plan: ShapePlan;
  readonly #mostRows: number;
  readonly #hasAny: boolean;
  readonly #dictionaries: ((string | null | undefined)[] | undefined)[];
  readonly #rows: number[];
  /** Columns of numbers that had nothing but 32-bit integers so far. */
  readonly #integral: boolean[];
  #makeRecords: MakeRecords | undefined;
  #any: ByteReader | undefined;

  constructor(plan: ShapePlan) {
    this.#plan = plan;
    this.#mostRows = mostRows(plan);
    this.#hasAny = plan.columns.some(({ kind }) => kind === 'any');
    this.arrays = plan.columns.map(() => undefined);
    this.nulls = plan.columns.map(() => undefined);
    this.words = plan.columns.map(() => undefined);
    this.#dictionaries = plan.columns.map(() => undefined);
    this.#rows = Array.from({ length: plan.groupCount }, () => 0);
    this.#integral = plan.columns.map(({ kind }) => kind === 'number' || kind === 'date');
  }

  /** Reads the section of this shape, of at most `count` records, and makes the records. */
  read(reader: ColumnReader, scratch: ScratchArrays, cursor: TextCursor, count: number): number {
    const rows = reader.varint();
    if (rows > count) {
      throw corruptBatch(`${rows} records of a shape in a batch of ${count}`);
    }
    this.#setRows(0, rows);
    for (const column of this.#plan.columns) {
      this.#readColumn(reader, scratch, cursor, column);
    }
    if (this.#hasAny) {
      this.#any = new ByteReader(reader.raw(reader.varint()));
    }
    return rows;
  }

  /** Makes the records of the section that was read. */
  make(target: unknown[], at: number, cursor: TextCursor): void {
    this.text = cursor.text;
    this.position = cursor.position;
    this.#makeRecords ??= generateDecoder(this.#plan, this.#integral);
    this.#makeRecords(this, target, at, this.#rows[0]!);
    cursor.position = this.position;
    if (this.#any !== undefined && this.#any.remaining > 0) {
      throw corruptBatch(`${this.#any.remaining} bytes of values are left over`);
    }
  }

  /** After the batch: lets go of everything but dictionaries. */
  end(): void {
    this.arrays.fill(undefined);
    this.nulls.fill(undefined);
    this.words.fill(undefined);
    this.text = '';
    this.#any = undefined;
  }

  readAny(): unknown {
    return readValue(this.#any!);
  }

  #setRows(group: number, rows: number): void {
    if (rows > this.#mostRows) {
      throw corruptBatch(`${rows} rows of a column`);
    }
    this.#rows[group] = rows;
  }

  #readColumn(reader: ColumnReader, scratch: ScratchArrays, cursor: TextCursor, column: Column): void {
    const { index, kind, group, childGroup } = column;
    const count = this.#rows[group]!;
    if (hasNulls(kind)) {
      this.nulls[index] = reader.byte() === 0 ? undefined : readCodes(reader, scratch, count);
    }
    switch (kind) {
      case 'number':
      case 'date':
        this.arrays[index] = this.#readNumbers(reader, scratch, index, count);
        break;
      case 'bigint': {
        const values = scratch.bigints(count);
        reader.bigints(values, count);
        this.arrays[index] = values;
        break;
      }
      case 'string':
        this.#readStrings(reader, scratch, cursor, index, count);
        break;
      case 'boolean':
      case 'nothing':
        this.arrays[index] = readCodes(reader, scratch, count);
        break;
      case 'presence': {
        this.#setRows(childGroup, reader.varint());
        const codes = readCodes(reader, scratch, count);
        this.arrays[index] = codes;
        this.#expectRows(childGroup, countPresent(codes, count));
        break;
      }
      case 'length': {
        this.#setRows(childGroup, reader.varint());
        const lengths = scratch.integers(count);
        reader.integers(lengths, count);
        this.arrays[index] = lengths;
        this.#expectRows(childGroup, sumLengths(lengths, count));
        break;
      }
      default:
        break;
    }
  }

  #expectRows(group: number, rows: number): void {
    if (rows !== this.#rows[group]) {
      throw corruptBatch(`${this.#rows[group]} rows where ${rows} are due`);
    }
  }

  #readNumbers(reader: ColumnReader, scratch: ScratchArrays, index: number, count: number): unknown {
    if (this.#integral[index]! && !reader.nextAreIntegral && count > 0) {
      this.#integral[index] = false;
      this.#makeRecords = undefined;
    }
    return reader.numbers(scratch, this.#integral[index]!, count);
  }

  #readStrings(reader: ColumnReader, scratch: ScratchArrays, cursor: TextCursor, index: number, count: number): void {
    const mode = reader.byte();
    let words: (string | null | undefined)[] | undefined;
    if (mode !== STRINGS.dictionary) {
      this.#dictionaries[index] = mode === STRINGS.newDictionary ? [null, undefined] : undefined;
    }
    if (mode === STRINGS.dictionary || mode === STRINGS.newDictionary) {
      words = this.#dictionaries[index];
      if (words === undefined) {
        throw corruptBatch('a dictionary is missing');
      }
      this.#readNewWords(reader, scratch, cursor, words);
    } else if (mode !== STRINGS.plain) {
      throw corruptBatch(`strings cannot be stored as ${mode}`);
    }
    const codes = scratch.integers(count);
    const largest = reader.integers(codes, count);
    if (words !== undefined && count > 0 && largest >= words.length) {
      throw corruptBatch(`no word has the code ${largest}`);
    }
    this.words[index] = words;
    this.arrays[index] = codes;
  }

  #readNewWords(
    reader: ColumnReader,
    scratch: ScratchArrays,
    cursor: TextCursor,
    words: (string | null | undefined)[],
  ): void {
    const count = reader.varint();
    if (count === 0) {
      return;
    }
    if (count > this.#mostRows) {
      throw corruptBatch(`${count} new words`);
    }
    const lengths = scratch.integers(count);
    reader.integers(lengths, count);
    for (let i = 0; i < count; i++) {
      const end = cursor.position + lengths[i]!;
      words.push(detachString(cursor.text.substring(cursor.position, end)));
      cursor.position = end;
    }
  }
}

const readCodes = (reader: ColumnReader, scratch: ScratchArrays, count: number): Uint8Array => {
  const codes = scratch.bytes(count);
  reader.codes(codes, count);
  return codes;
};

const countPresent = (codes: Uint8Array, count: number): number => {
  let present = 0;
  for (let i = 0; i < count; i++) {
    present += codes[i] === 1 ? 1 : 0;
  }
  return present;
};

const sumLengths = (lengths: Int32Array, count: number): number => {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += Math.max(0, lengths[i]! - FIRST_CODE);
  }
  return sum;
};
