import type { ByteWriter } from '../common/byte-writer.ts';
import type { ColumnKind, PlanNode, ShapePlan } from './shape-plan.ts';

export type ColumnArray = Float64Array | Int32Array | Uint8Array | BigInt64Array;

/** What generated code works on: the columns of the records of one shape in one batch. */
export interface EncoderColumns {
  /** By column; none for `any`. */
  readonly arrays: (ColumnArray | undefined)[];
  readonly nulls: (Uint8Array | undefined)[];
  readonly dictionaries: ({ readonly words: Map<string, number> | undefined; add(word: string): number } | undefined)[];
  /** Rows of each group so far, and how many fit. */
  readonly rows: number[];
  readonly capacity: number[];
  /** The strings that are not in dictionaries, in the order of records and fields. */
  readonly parts: string[];
  partCount: number;
  /** The values of `any` columns, in the order of records and fields. */
  readonly writer: ByteWriter;
  putAny(value: unknown): void;
  /** The nulls of a column that had none so far. */
  nullsOf(column: number): Uint8Array;
  /** A record that did not fit may have left nulls behind the last row. */
  forgetNulls(): void;
  /** A list does not fit into the rows of its group. */
  wantRows(group: number, rows: number): void;
}

/**
 * Puts records from `values[from]` on into the columns, up to the first that does not fit or `to`; returns its index.
 * What the record that did not fit put into columns is not counted.
 */
export type PutRecords = (state: EncoderColumns, values: readonly unknown[], from: number, to: number) => number;

const MOST_COMPILED = 256;
const compiled = new Map<string, PutRecords>();

/** The code for a shape; channels with the same shape share it. Names of fields get in as JSON only. */
export const generateEncoder = (plan: ShapePlan): PutRecords => {
  const source = new EncoderSource(plan).text();
  let put = compiled.get(source);
  if (put === undefined) {
    if (compiled.size >= MOST_COMPILED) {
      compiled.clear();
    }
    put = new Function(`'use strict'; ${source}`)() as PutRecords;
    compiled.set(source, put);
  }
  return put;
};

/**
 * The text of one `PutRecords`. Variables: `aN` the array of column N, `mN` its nulls (made at the first), `wN` its
 * dictionary; `gN` the rows of group N and `tN` the same within the record that is being put; `parts` the plain strings
 * and `p` how many.
 */
class EncoderSource {
  readonly #plan: ShapePlan;
  readonly #constants: string[] = [
    'const objectPrototype = Object.prototype, arrayPrototype = Array.prototype, datePrototype = Date.prototype;',
    'const getPrototypeOf = Object.getPrototypeOf, isArray = Array.isArray;',
  ];
  #variables = 0;

  constructor(plan: ShapePlan) {
    this.#plan = plan;
  }

  text(): string {
    const { columns, groupCount, root } = this.#plan;
    const groups = Array.from({ length: groupCount }, (_, group) => group);
    const body = this.#put(root, 'record', 't0');
    const hasAny = columns.some((column) => column.kind === 'any');
    const lines = [
      ...this.#constants,
      'return function putRecords(state, values, from, to) {',
      ...columns.flatMap(({ index, kind }) => [
        ...(kind === 'any' ? [] : [`const a${index} = state.arrays[${index}];`]),
        ...(hasNulls(kind) ? [`let m${index} = state.nulls[${index}];`] : []),
        ...(kind === 'string' ? [`const w${index} = state.dictionaries[${index}].words;`] : []),
      ]),
      'const parts = state.parts; let p = state.partCount;',
      hasAny ? 'const writer = state.writer; let written = writer.length;' : '',
      ...groups.map((group) => `let g${group} = state.rows[${group}];`),
      'let i = from;',
      'records: for (; i < to; i++) {',
      'const record = values[i]; let q = p;',
      ...groups.map((group) => `let t${group} = g${group};`),
      body,
      't0++;',
      ...groups.map((group) => `g${group} = t${group};`),
      'p = q;',
      hasAny ? 'written = writer.length;' : '',
      '}',
      ...groups.map((group) => `state.rows[${group}] = g${group};`),
      'state.partCount = p;',
      hasAny ? 'writer.reset(written);' : '',
      'if (i < to) state.forgetNulls();',
      'return i;',
      '};',
    ];
    return lines.filter((line) => line !== '').join('\n');
  }

  #put(node: PlanNode, value: string, row: string): string {
    const index = node.column?.index;
    const nulls = (code: (isNull: string) => string): string =>
      `else if (${value} == null) { ${code(`${value} === null`)} } else break records;`;
    const nullBytes = nulls((isNull) => `(m${index} ??= state.nullsOf(${index}))[${row}] = ${isNull} ? 2 : 3;`);
    switch (node.kind) {
      case 'number':
        return `if (typeof ${value} === 'number') a${index}[${row}] = ${value}; ${nullBytes}`;
      case 'date':
        return (
          `if (typeof ${value} === 'object' && ${value} !== null && getPrototypeOf(${value}) === datePrototype) ` +
          `a${index}[${row}] = ${value}.getTime(); ${nullBytes}`
        );
      case 'bigint':
        return (
          `if (typeof ${value} === 'bigint' && BigInt.asIntN(64, ${value}) === ${value}) ` +
          `a${index}[${row}] = ${value}; ${nullBytes}`
        );
      case 'string':
        return this.#putString(index!, value, row, nulls);
      case 'boolean':
        return (
          `if (${value} === true) a${index}[${row}] = 1; else if (${value} === false) a${index}[${row}] = 0; ` +
          nulls((isNull) => `a${index}[${row}] = ${isNull} ? 2 : 3;`)
        );
      case 'nothing':
        return `if (${value} === null) a${index}[${row}] = 2; else if (${value} === undefined) a${index}[${row}] = 3; else break records;`;
      case 'any':
        return `state.putAny(${value});`;
      case 'object':
      case 'tuple':
        return this.#putNullable(node, value, row);
      default:
        return this.#putList(node, value, row, nulls);
    }
  }

  #putString(index: number, value: string, row: string, nulls: (code: (isNull: string) => string) => string): string {
    const code = this.#variable();
    return [
      `if (typeof ${value} === 'string') {`,
      `if (w${index} !== undefined) {`,
      `let ${code} = w${index}.get(${value});`,
      `if (${code} === undefined) ${code} = state.dictionaries[${index}].add(${value});`,
      `a${index}[${row}] = ${code};`,
      `} else { a${index}[${row}] = ${value}.length + 2; parts[q++] = ${value}; }`,
      `} ${nulls((isNull) => `a${index}[${row}] = ${isNull} ? 0 : 1;`)}`,
    ].join('\n');
  }

  #putNullable(node: PlanNode, value: string, row: string): string {
    if (node.column === undefined) {
      return this.#putItems(node, value, row);
    }
    const presence = `a${node.column.index}[${row}]`;
    return [
      `if (${value} === null) ${presence} = 2; else if (${value} === undefined) ${presence} = 3; else {`,
      `${presence} = 1;`,
      this.#putItems(node, value, `t${node.inner}`),
      `t${node.inner}++;`,
      '}',
    ].join('\n');
  }

  #putItems(node: PlanNode, value: string, row: string): string {
    const count = node.items.length;
    const lines: string[] = [];
    if (node.kind === 'tuple') {
      lines.push(
        `if (!isArray(${value}) || getPrototypeOf(${value}) !== arrayPrototype || ${value}.length !== ${count}) break records;`,
      );
    } else {
      const names = this.#constant(JSON.stringify(node.names));
      const seen = this.#variable();
      const name = this.#variable();
      lines.push(
        `if (typeof ${value} !== 'object' || ${value} === null) break records;`,
        // The constructor is the cheaper question; it may be the name of a field.
        `if (${value}.constructor !== Object && getPrototypeOf(${value}) !== objectPrototype) break records;`,
        `let ${seen} = 0;`,
        `for (const ${name} in ${value}) { if (${name} !== ${names}[${seen}]) break records; ${seen}++; }`,
        `if (${seen} !== ${count}) break records;`,
      );
    }
    for (const [i, item] of node.items.entries()) {
      const inner = this.#variable();
      const key = node.kind === 'tuple' ? String(i) : JSON.stringify(node.names[i]);
      lines.push(`const ${inner} = ${value}[${key}];`);
      if (node.kind === 'tuple') {
        lines.push(`if (${inner} === undefined && !(${i} in ${value})) break records;`);
      }
      lines.push(this.#put(item, inner, row));
    }
    return lines.join('\n');
  }

  #putList(node: PlanNode, value: string, row: string, nulls: (code: (isNull: string) => string) => string): string {
    const length = this.#variable();
    const at = this.#variable();
    const inner = this.#variable();
    const index = node.column!.index;
    const group = node.inner;
    return [
      `if (isArray(${value})) {`,
      `if (getPrototypeOf(${value}) !== arrayPrototype) break records;`,
      `const ${length} = ${value}.length;`,
      `if (t${group} + ${length} > state.capacity[${group}]) { state.wantRows(${group}, t${group} + ${length}); break records; }`,
      `a${index}[${row}] = ${length} + 2;`,
      `for (let ${at} = 0; ${at} < ${length}; ${at}++) {`,
      `const ${inner} = ${value}[${at}];`,
      `if (${inner} === undefined && !(${at} in ${value})) break records;`,
      this.#put(node.items[0]!, inner, `t${group}`),
      `t${group}++;`,
      '}',
      `} ${nulls((isNull) => `a${index}[${row}] = ${isNull} ? 0 : 1;`)}`,
    ].join('\n');
  }

  #variable(): string {
    return `v${this.#variables++}`;
  }

  #constant(expression: string): string {
    const name = this.#variable();
    this.#constants.push(`const ${name} = ${expression};`);
    return name;
  }
}

/** Columns whose nulls are beside the values; others have codes for null and undefined. */
export const hasNulls = (kind: ColumnKind): boolean => kind === 'number' || kind === 'date' || kind === 'bigint';
