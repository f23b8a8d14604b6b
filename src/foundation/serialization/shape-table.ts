import { ByteWriter } from '../common/byte-writer.ts';
import type { ColumnWriter } from './column-writer.ts';
import type { ScratchArrays } from './scratch-arrays.ts';
import { learnShape, mergeRecords, type ShapeNode } from './shape.ts';
import { ShapeEncoder } from './shape-encoder.ts';
import { planShape } from './shape-plan.ts';
import { writeValue } from './write-value.ts';

/** Shapes of one channel. */
const MOST_SHAPES = 32;
/** Shapes with the same fields that differ further down; more are made one, with `any` where they differ. */
const MOST_VARIANTS = 8;
/** Records looked at for one shape. */
const SAMPLED_RECORDS = 64;
/** Shapes learned before each further one has to wait for more records without a shape, twice as many each time. */
const FREE_LESSONS = 8;
const LONGEST_WAIT = 65_536;
/** A shape that was used so recently is not replaced when there are too many. */
const RECENT_BATCHES = 16;

/** The shapes that the encoder of a channel knows, and what it learns. */
export class ShapeTable {
  /** The shape that took the last record. */
  current: ShapeEncoder | undefined;
  /** The most recently used first. */
  #shapes: ShapeEncoder[] = [];
  /** Replaced in this batch, in which they may have records: gone after it. */
  #replaced: ShapeEncoder[] = [];
  #nextId = 1;
  #batch = 0;
  #lessons = 0;
  #wait = 0;
  #added: ShapeEncoder[] = [];
  /** Ids that the decoder may forget. */
  #retired: number[] = [];
  #scratch: ScratchArrays | undefined;
  #count = 0;

  beginBatch(scratch: ScratchArrays, count: number): void {
    this.#batch++;
    this.#scratch = scratch;
    this.#count = count;
    if (this.current !== undefined) {
      this.#use(this.current);
    }
  }

  /** Takes records from `values[from]` on, which `current` did not take; returns the index after the last taken. */
  putOther(values: readonly unknown[], from: number, to: number): number {
    for (let i = 0; i < this.#shapes.length; i++) {
      const shape = this.#shapes[i]!;
      if (shape !== this.current) {
        this.#use(shape);
        const next = shape.put(values, from, to);
        if (next > from) {
          this.#shapes.splice(i, 1);
          this.#shapes.unshift(shape);
          this.current = shape;
          return next;
        }
      }
    }
    return from;
  }

  /** Makes a shape for `values[from]`, which no shape took; false when it does not get one (now). */
  learn(values: readonly unknown[], from: number, to: number): boolean {
    if (this.#wait > 0) {
      this.#wait--;
      return false;
    }
    const shape = learnShape(values[from]);
    if (shape.kind === 'any') {
      return false;
    }
    this.#lessons++;
    this.#wait = this.#lessons <= FREE_LESSONS ? 0 : Math.min(LONGEST_WAIT, 2 ** (this.#lessons - FREE_LESSONS));
    return this.#add(sample(shape, values, from, to));
  }

  get hasNews(): boolean {
    return this.#added.length > 0 || this.#retired.length > 0;
  }

  writeNews(columns: ColumnWriter): void {
    columns.varint(this.#retired.length);
    for (const id of this.#retired) {
      columns.varint(id);
    }
    columns.varint(this.#added.length);
    const writer = new ByteWriter();
    for (const shape of this.#added) {
      columns.varint(shape.id);
      writeValue(writer, shape.shape);
      columns.varint(writer.length);
      columns.raw(writer.peek());
      writer.reset();
    }
    this.#added = [];
    this.#retired = [];
  }

  endBatch(): void {
    for (const shape of this.#shapes) {
      if (shape.isBegun) {
        if (shape.rows[0]! > 0) {
          shape.lastUsedBatch = this.#batch;
        }
        shape.end();
      }
    }
    for (const shape of this.#replaced) {
      if (shape.isBegun) {
        shape.end();
      }
      this.#retired.push(shape.id);
    }
    this.#replaced = [];
    this.#scratch = undefined;
  }

  #use(shape: ShapeEncoder): void {
    if (!shape.isBegun) {
      shape.begin(this.#scratch!, this.#count);
    }
  }

  /** Widens a shape that it can share, or takes it as a new one. */
  #add(learned: ShapeNode): boolean {
    const variants = this.#shapes.filter(({ shape }) => mergeRecords(shape, learned, false) !== undefined);
    const sharing = variants.filter(({ shape }) => mergeRecords(shape, learned, true) !== undefined);
    const merging = sharing.length > 0 ? sharing : variants.length >= MOST_VARIANTS ? variants : [];
    let shape: ShapeNode | undefined = learned;
    for (const other of merging) {
      shape = shape && mergeRecords(other.shape, shape, false);
    }
    const plan = shape && planShape(shape);
    if (shape === undefined || plan === undefined || merging.some((other) => isSame(other.shape, shape))) {
      return false;
    }
    if (merging.length === 0 && this.#shapes.length >= MOST_SHAPES && !this.#forgetOldest()) {
      return false;
    }
    const encoder = new ShapeEncoder(this.#nextId++, shape, plan);
    encoder.lastUsedBatch = this.#batch;
    this.#use(encoder);
    for (const other of merging) {
      this.#replace(other);
    }
    this.#shapes.unshift(encoder);
    this.#added.push(encoder);
    this.current = encoder;
    return true;
  }

  #forgetOldest(): boolean {
    const oldest = this.#shapes.reduce((a, b) => (b.lastUsedBatch < a.lastUsedBatch ? b : a));
    if (oldest.lastUsedBatch > this.#batch - RECENT_BATCHES) {
      return false;
    }
    this.#replace(oldest);
    return true;
  }

  #replace(shape: ShapeEncoder): void {
    this.#shapes.splice(this.#shapes.indexOf(shape), 1);
    this.#replaced.push(shape);
  }
}

/** `shape` widened to the records that follow and look alike. */
const sample = (shape: ShapeNode, values: readonly unknown[], from: number, to: number): ShapeNode => {
  let sampled = shape;
  const end = Math.min(to, from + SAMPLED_RECORDS);
  for (let i = from + 1; i < end; i++) {
    const next = learnShape(values[i]);
    sampled = mergeRecords(sampled, next, true) ?? sampled;
  }
  return sampled;
};

const isSame = (a: ShapeNode, b: ShapeNode | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);
