import { ByteWriter } from '../common/byte-writer.ts';
import { STRINGS } from './column-format.ts';
import type { ColumnWriter } from './column-writer.ts';
import {
  type ColumnArray,
  type EncoderColumns,
  generateEncoder,
  hasNulls,
  type PutRecords,
} from './generate-encoder.ts';
import type { ScratchArrays } from './scratch-arrays.ts';
import type { ShapeNode } from './shape.ts';
import { type Column, mostRows, type ShapePlan } from './shape-plan.ts';
import { StringDictionary } from './string-dictionary.ts';
import { writeValue } from './write-value.ts';

const LARGEST_KEPT_BYTES = 1_048_576;

/**
 * The columns of the records of one shape in the batch that is being encoded, and the dictionaries of the channel for
 * it.
 */
export class ShapeEncoder implements EncoderColumns {
  readonly id: number;
  readonly shape: ShapeNode;
  readonly plan: ShapePlan;
  lastUsedBatch = 0;

  readonly arrays: (ColumnArray | undefined)[];
  readonly nulls: (Uint8Array | undefined)[];
  readonly dictionaries: (StringDictionary | undefined)[];
  readonly rows: number[];
  readonly capacity: number[];
  parts: string[] = [];
  partCount = 0;
  writer = new ByteWriter(16);

  readonly #put: PutRecords;
  readonly #mostRows: number;
  #scratch: ScratchArrays | undefined;
  #wantedGroup = -1;
  #wantedRows = 0;

  constructor(id: number, shape: ShapeNode, plan: ShapePlan) {
    this.id = id;
    this.shape = shape;
    this.plan = plan;
    this.arrays = plan.columns.map(() => undefined);
    this.nulls = plan.columns.map(() => undefined);
    this.dictionaries = plan.columns.map(({ kind }) => (kind === 'string' ? new StringDictionary() : undefined));
    this.rows = Array.from({ length: plan.groupCount }, () => 0);
    this.capacity = [...this.rows];
    this.#put = generateEncoder(plan);
    this.#mostRows = mostRows(plan);
  }

  get isBegun(): boolean {
    return this.#scratch !== undefined;
  }

  /** Before the first `put` of a batch with `count` records. */
  begin(scratch: ScratchArrays, count: number): void {
    this.#scratch = scratch;
    this.partCount = 0;
    let plainStrings = 0;
    this.rows.fill(0);
    this.capacity.fill(Math.min(count, this.#mostRows));
    for (const column of this.plan.columns) {
      this.arrays[column.index] = this.#arrayFor(column.kind, this.capacity[column.group]!);
      this.nulls[column.index] = undefined;
      const dictionary = this.dictionaries[column.index];
      dictionary?.begin(count);
      plainStrings += dictionary !== undefined && dictionary.words === undefined ? this.capacity[column.group]! : 0;
    }
    // Made for all strings at once: an array that grows costs as much as joining it.
    this.parts = new Array<string>(plainStrings);
  }

  /** Takes records from `values[from]` on; returns the index of the first that does not fit, at most `to`. */
  put(values: readonly unknown[], from: number, to: number): number {
    const end = Math.min(to, from + this.#mostRows - this.rows[0]!);
    let at = from;
    for (;;) {
      at = this.#put(this, values, at, end);
      if (this.#wantedGroup < 0 || !this.#grow()) {
        return at;
      }
    }
  }

  /** Writes the section of this shape. */
  write(writer: ColumnWriter): void {
    writer.varint(this.rows[0]!);
    for (const column of this.plan.columns) {
      this.#writeColumn(writer, column, this.rows[column.group]!);
    }
    if (this.plan.columns.some(({ kind }) => kind === 'any')) {
      writer.varint(this.writer.length);
      writer.raw(this.writer.peek());
    }
  }

  /** The text of this shape: new words of each dictionary, then plain strings. */
  text(): string {
    let text = '';
    for (const dictionary of this.dictionaries) {
      if (dictionary?.words !== undefined && dictionary.newWords.length > 0) {
        text += dictionary.newWords.join('');
      }
    }
    this.parts.length = this.partCount;
    return this.partCount === 0 ? text : text + this.parts.join('');
  }

  /** After the batch: lets go of everything but dictionaries. */
  end(): void {
    // A shape that took no record was not written: new words of one that did not fit are sent with a later batch.
    if (this.rows[0]! > 0) {
      for (const column of this.plan.columns) {
        this.dictionaries[column.index]?.settle(this.rows[column.group]!);
      }
    }
    this.arrays.fill(undefined);
    this.nulls.fill(undefined);
    this.parts = [];
    this.writer.reset();
    if (this.writer.capacity > LARGEST_KEPT_BYTES) {
      this.writer = new ByteWriter(16);
    }
    this.#scratch = undefined;
  }

  nullsOf(column: number): Uint8Array {
    const nulls = this.#scratch!.bytes(this.capacity[this.plan.columns[column]!.group]!);
    nulls.fill(0);
    this.nulls[column] = nulls;
    return nulls;
  }

  forgetNulls(): void {
    for (const column of this.plan.columns) {
      this.nulls[column.index]?.fill(0, this.rows[column.group]);
    }
  }

  wantRows(group: number, rows: number): void {
    this.#wantedGroup = group;
    this.#wantedRows = rows;
  }

  putAny(value: unknown): void {
    writeValue(this.writer, value);
  }

  /** False when that many rows are too many for one batch. */
  #grow(): boolean {
    const group = this.#wantedGroup;
    this.#wantedGroup = -1;
    if (this.#wantedRows > this.#mostRows) {
      return false;
    }
    const capacity = Math.min(this.#mostRows, Math.max(this.#wantedRows, this.capacity[group]! * 2));
    this.capacity[group] = capacity;
    for (const { index, group: own, childGroup, kind } of this.plan.columns) {
      if (own === group) {
        const old = this.arrays[index];
        const grown = this.#arrayFor(kind, capacity);
        (grown as Float64Array | undefined)?.set((old as Float64Array).subarray(0, this.rows[group]));
        this.arrays[index] = grown;
        const nulls = this.nulls[index];
        if (nulls !== undefined) {
          this.nullsOf(index).set(nulls.subarray(0, this.rows[group]));
        }
        // What is inside of a nullable object has at most a row for each row here.
        if (kind === 'presence' && this.capacity[childGroup]! < capacity) {
          this.#wantedGroup = childGroup;
          this.#wantedRows = capacity;
          this.#grow();
        }
      }
    }
    return true;
  }

  #arrayFor(kind: Column['kind'], count: number): ColumnArray | undefined {
    const scratch = this.#scratch!;
    switch (kind) {
      case 'number':
      case 'date':
        return scratch.floats(count);
      case 'bigint':
        return scratch.bigints(count);
      case 'string':
      case 'length':
        return scratch.integers(count);
      case 'boolean':
      case 'nothing':
      case 'presence':
        return scratch.bytes(count);
      default:
        return undefined;
    }
  }

  #writeColumn(writer: ColumnWriter, column: Column, count: number): void {
    const { index, kind, childGroup } = column;
    const array = this.arrays[index];
    if (kind === 'presence' || kind === 'length') {
      writer.varint(this.rows[childGroup]!);
    } else if (kind === 'string') {
      this.#writeDictionary(writer, this.dictionaries[index]!);
    } else if (hasNulls(kind)) {
      this.#writeNulls(writer, index, count);
    }
    if (array instanceof Float64Array) {
      writer.numbers(array, count);
    } else if (array instanceof Int32Array) {
      writer.integers(array, count);
    } else if (array instanceof Uint8Array) {
      writer.codes(array, count);
    } else if (array !== undefined) {
      writer.bigints(array, count);
    }
  }

  /** Where there is a null the array has what an earlier batch left: it becomes 0. */
  #writeNulls(writer: ColumnWriter, index: number, count: number): void {
    const nulls = this.nulls[index];
    writer.byte(nulls === undefined ? 0 : 1);
    if (nulls === undefined) {
      return;
    }
    const array = this.arrays[index]!;
    for (let i = 0; i < count; i++) {
      if (nulls[i] !== 0) {
        array[i] = array instanceof BigInt64Array ? 0n : 0;
      }
    }
    writer.codes(nulls, count);
  }

  #writeDictionary(writer: ColumnWriter, dictionary: StringDictionary): void {
    if (dictionary.words === undefined) {
      writer.byte(STRINGS.plain);
      return;
    }
    writer.byte(dictionary.isFresh ? STRINGS.newDictionary : STRINGS.dictionary);
    const { newWords } = dictionary;
    writer.varint(newWords.length);
    if (newWords.length > 0) {
      const lengths = this.#scratch!.integers(newWords.length);
      for (const [i, word] of newWords.entries()) {
        lengths[i] = word.length;
      }
      writer.integers(lengths, newWords.length);
    }
  }
}
