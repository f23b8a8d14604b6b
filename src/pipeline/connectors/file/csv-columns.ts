/** How the text of a field becomes a value; with `?` an empty field is `undefined` instead of an error. */
export type CsvType = 'string' | 'number' | 'integer' | 'bigint' | 'boolean' | 'date';
export type CsvColumn = CsvType | `${CsvType}?` | ((text: string) => unknown);
export type CsvColumns = Readonly<Record<string, CsvColumn>>;

interface CsvValues {
  string: string;
  number: number;
  integer: number;
  bigint: bigint;
  boolean: boolean;
  date: Date;
}

type CsvValue<C extends CsvColumn> = C extends (text: string) => infer V
  ? V
  : C extends `${infer Type extends CsvType}?`
    ? CsvValues[Type] | undefined
    : C extends CsvType
      ? CsvValues[C]
      : never;

/** The record that a line becomes. */
export type CsvRecord<C extends CsvColumns> = { [K in keyof C]: CsvValue<C[K]> };

export type FieldParser = (text: string) => unknown;

/** Throws an error that says what is wrong with the text. */
export const fieldParser = (column: CsvColumn): FieldParser => {
  if (typeof column === 'function') {
    return column;
  }
  if (column.endsWith('?')) {
    const parse = parsers[column.slice(0, -1) as CsvType];
    return (text) => (text === '' ? undefined : parse(text));
  }
  return parsers[column as CsvType];
};

export const isCsvColumn = (column: unknown): column is CsvColumn =>
  typeof column === 'function' || (typeof column === 'string' && Object.hasOwn(parsers, column.replace(/\?$/, '')));

const wrong = (text: string, what: string): never => {
  throw new Error(`${JSON.stringify(text)} is no ${what}`);
};

const numberOf = (text: string): number => {
  const value = Number(text);
  return Number.isNaN(value) || text.trim() === '' ? wrong(text, 'number') : value;
};

const parsers: Readonly<Record<CsvType, FieldParser>> = {
  string: (text) => text,
  number: numberOf,
  integer: (text) => {
    const value = numberOf(text);
    return Number.isSafeInteger(value) ? value : wrong(text, 'whole number between -2^53 and 2^53');
  },
  bigint: (text) =>
    /^\s*[+-]?\d+\s*$/.test(text) ? BigInt(text.trim().replace(/^\+/, '')) : wrong(text, 'whole number'),
  boolean: (text) => {
    const lower = text.trim().toLowerCase();
    return lower === 'true' || lower === '1' || (lower !== 'false' && lower !== '0' ? wrong(text, 'boolean') : false);
  },
  date: (text) => {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? wrong(text, 'date; write it as in 2026-01-31T12:00:00Z') : date;
  },
};
