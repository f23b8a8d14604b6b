import { hasNulls } from './generate-encoder.ts';
import type { PlanNode, ShapePlan } from './shape-plan.ts';

/** What generated code works on: the columns of the records of one shape in one batch. */
export interface DecoderColumns {
  /** By column; none for `any`. */
  readonly arrays: unknown[];
  readonly nulls: (Uint8Array | undefined)[];
  /** Of columns that use a dictionary in this batch: what each code stands for. */
  readonly words: ((string | null | undefined)[] | undefined)[];
  /** The plain strings, in the order of records and fields, and where the next begins. */
  readonly text: string;
  position: number;
  /** The next value of an `any` column. */
  readAny(): unknown;
}

/** Makes `count` records out of the columns and puts them into `target` from `at` on. */
export type MakeRecords = (state: DecoderColumns, target: unknown[], at: number, count: number) => void;

const MOST_COMPILED = 256;
const compiled = new Map<string, MakeRecords>();

/**
 * The code for a shape; channels with the same shape share it. `integral` tells which columns come as 32-bit integers:
 * code of its own for each set keeps each access to a column of one kind. Names of fields get in as JSON only.
 */
export const generateDecoder = (plan: ShapePlan, integral: readonly boolean[]): MakeRecords => {
  const variant = integral.map((is) => (is ? 'i' : 'd')).join('');
  const source = `/* ${variant} */ ${new DecoderSource(plan).text()}`;
  let make = compiled.get(source);
  if (make === undefined) {
    if (compiled.size >= MOST_COMPILED) {
      compiled.clear();
    }
    make = new Function(`'use strict'; ${source}`)() as MakeRecords;
    compiled.set(source, make);
  }
  return make;
};

/**
 * The text of one `MakeRecords`. Variables: `aN` the array of column N, `mN` its nulls if it has any, `wN` its words if
 * it uses a dictionary; `tN` the next row of group N; `text` and `p` the plain strings and where the next begins.
 */
class DecoderSource {
  readonly #plan: ShapePlan;
  #variables = 0;

  constructor(plan: ShapePlan) {
    this.#plan = plan;
  }

  text(): string {
    const { columns, groupCount, root } = this.#plan;
    const groups = Array.from({ length: groupCount }, (_, group) => group);
    const record = this.#variable();
    const lines = [
      'return function makeRecords(state, target, at, count) {',
      ...columns.flatMap(({ index, kind }) => [
        ...(kind === 'any' ? [] : [`const a${index} = state.arrays[${index}];`]),
        ...(hasNulls(kind) ? [`const m${index} = state.nulls[${index}];`] : []),
        ...(kind === 'string' ? [`const w${index} = state.words[${index}];`] : []),
      ]),
      'const text = state.text; let p = state.position;',
      ...groups.map((group) => `let t${group} = 0;`),
      'for (; t0 < count; t0++) {',
      this.#make(root, record, 't0'),
      `target[at + t0] = ${record};`,
      '}',
      'state.position = p;',
      '};',
    ];
    return lines.join('\n');
  }

  /** Statements that declare `name` and give it the next value of `node`. */
  #make(node: PlanNode, name: string, row: string): string {
    const index = node.column?.index;
    const orNull = (value: string): string =>
      `const ${name} = m${index} !== undefined && m${index}[${row}] !== 0 ? ` +
      `(m${index}[${row}] === 2 ? null : undefined) : ${value};`;
    const cell = `a${index}[${row}]`;
    switch (node.kind) {
      case 'number':
      case 'bigint':
        return orNull(cell);
      case 'date':
        return orNull(`new Date(${cell})`);
      case 'boolean':
        return `const ${name} = ${cell} < 2 ? ${cell} === 1 : ${cell} === 2 ? null : undefined;`;
      case 'nothing':
        return `const ${name} = ${cell} === 2 ? null : undefined;`;
      case 'any':
        return `const ${name} = state.readAny();`;
      case 'string':
        return this.#makeString(name, index!, cell);
      case 'object':
      case 'tuple':
        return this.#makeNullable(node, name, cell, row);
      default:
        return this.#makeList(node, name, cell);
    }
  }

  #makeString(name: string, index: number, cell: string): string {
    const end = this.#variable();
    return [
      `let ${name};`,
      `if (w${index} !== undefined) ${name} = w${index}[${cell}];`,
      `else if (${cell} < 2) ${name} = ${cell} === 0 ? null : undefined;`,
      `else { const ${end} = p + ${cell} - 2; ${name} = text.substring(p, ${end}); p = ${end}; }`,
    ].join('\n');
  }

  #makeNullable(node: PlanNode, name: string, cell: string, row: string): string {
    if (node.column === undefined) {
      return this.#makeItems(node, name, row);
    }
    const made = this.#variable();
    return [
      `let ${name};`,
      `if (${cell} === 1) {`,
      this.#makeItems(node, made, `t${node.inner}`),
      `${name} = ${made};`,
      `t${node.inner}++;`,
      `} else ${name} = ${cell} === 2 ? null : undefined;`,
    ].join('\n');
  }

  #makeItems(node: PlanNode, name: string, row: string): string {
    const made = node.items.map((item) => ({ item, value: this.#variable() }));
    const lines = made.map(({ item, value }) => this.#make(item, value, row));
    const values = made.map(({ value }) => value);
    // A computed name: "__proto__" is a field then, not the prototype.
    const literal =
      node.kind === 'tuple'
        ? `[${values.join(', ')}]`
        : `{ ${node.names.map((field, i) => `${propertyName(field)}: ${values[i]}`).join(', ')} }`;
    return [...lines, `const ${name} = ${literal};`].join('\n');
  }

  #makeList(node: PlanNode, name: string, cell: string): string {
    const left = this.#variable();
    const item = this.#variable();
    const group = node.inner;
    return [
      `let ${name};`,
      `if (${cell} < 2) ${name} = ${cell} === 0 ? null : undefined;`,
      'else {',
      `${name} = [];`,
      `for (let ${left} = ${cell} - 2; ${left} > 0; ${left}--) {`,
      this.#make(node.items[0]!, item, `t${group}`),
      `${name}.push(${item});`,
      `t${group}++;`,
      '}',
      '}',
    ].join('\n');
  }

  #variable(): string {
    return `v${this.#variables++}`;
  }
}

const propertyName = (field: string): string =>
  field === '__proto__' ? `[${JSON.stringify(field)}]` : JSON.stringify(field);
