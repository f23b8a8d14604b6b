import { MillraceError, messageOf } from '../../../foundation/common/errors.ts';

/** CSV as a sink writes it: RFC 4180 with `\n` as the line end. */
export interface CsvFormat<T> {
  readonly csv: {
    /** Which fields, in which order; the fields of the first record of each writer when missing. */
    readonly columns?: readonly (keyof T & string)[];
    /** Starts each file with the names of the columns; `false` when missing. */
    readonly header?: boolean;
    /** One character; a comma when missing. */
    readonly delimiter?: string;
  };
}

/** The text of a record, with its line end; made anew for each writer. */
export interface RecordFormat<T> {
  readonly format: (record: T) => string;
  readonly header: ((first: T) => string) | undefined;
}

const IN_TEXT: ReadonlySet<string> = new Set(['string', 'number', 'bigint', 'boolean']);

export const textFormat = (): RecordFormat<unknown> => ({
  format: (record) => {
    if (!IN_TEXT.has(typeof record)) {
      // The types allow no other; where they were cast away, a file full of `[object Object]` helps nobody.
      throw new MillraceError(
        'BAD_RECORD',
        `the text format of the file sink takes strings, numbers, bigints and booleans, not ${kindOf(record)}; set its ` +
          'format to json, csv or a function that makes the line',
      );
    }
    return `${String(record)}\n`;
  },
  header: undefined,
});

const kindOf = (record: unknown): string =>
  record === null || record === undefined ? String(record) : `a record that is of type ${typeof record}`;

export const lineFormat = <T>(lineOf: (record: T) => string): RecordFormat<T> => ({
  format: (record) => {
    const line = lineOf(record);
    if (typeof line !== 'string') {
      throw new MillraceError('BAD_RECORD', `"format" of the file sink returned ${typeof line}, not a string`);
    }
    return `${line}\n`;
  },
  header: undefined,
});

export const jsonFormat = (): RecordFormat<unknown> => ({
  format: (record) => {
    let text: string | undefined;
    try {
      text = JSON.stringify(record);
    } catch (error) {
      text = jsonWithBigints(record, error);
    }
    if (text === undefined) {
      throw new MillraceError('BAD_RECORD', `a record that is ${typeof record} cannot be written as JSON`);
    }
    return `${text}\n`;
  },
  header: undefined,
});

/** Node has it, TypeScript's library does not declare it yet. */
const { rawJSON } = JSON as typeof JSON & { readonly rawJSON?: (text: string) => unknown };

const jsonWithBigints = (record: unknown, cause: unknown): string => {
  try {
    return JSON.stringify(record, (_key, value: unknown) =>
      typeof value === 'bigint' && rawJSON !== undefined ? rawJSON(String(value)) : value,
    );
  } catch {
    throw new MillraceError('BAD_RECORD', `a record cannot be written as JSON: ${messageOf(cause)}`, { cause });
  }
};

export const csvFormat = <T>({ csv }: CsvFormat<T>): RecordFormat<T> => {
  const { delimiter = ',', header = false } = csv;
  if (delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new MillraceError('BAD_OPTION', `the CSV delimiter is ${JSON.stringify(delimiter)}; allowed: one character`);
  }
  let columns: readonly string[] | undefined = csv.columns;
  const columnsOf = (record: T): readonly string[] => (columns ??= Object.keys(fieldsOf(record)));
  const lineOf = (values: readonly unknown[]): string =>
    `${values.map((value) => csvField(value, delimiter)).join(delimiter)}\n`;
  return {
    format: (record) => {
      const fields = fieldsOf(record);
      const names = columnsOf(record);
      if (csv.columns === undefined) {
        checkFields(fields, names);
      }
      return lineOf(names.map((name) => fields[name]));
    },
    header: header ? (first) => lineOf(columnsOf(first)) : undefined,
  };
};

const fieldsOf = (record: unknown): Readonly<Record<string, unknown>> => {
  if (typeof record !== 'object' || record === null) {
    throw new MillraceError('BAD_RECORD', `a CSV line needs an object with fields, not ${String(record)}`);
  }
  return record as Readonly<Record<string, unknown>>;
};

const checkFields = (fields: Readonly<Record<string, unknown>>, columns: readonly string[]): void => {
  for (const name of Object.keys(fields)) {
    if (!columns.includes(name)) {
      throw new MillraceError(
        'BAD_RECORD',
        `a record has the field "${name}", which the first record had not (${columns.join(', ')}); name all of them: ` +
          "format: { csv: { columns: ['...'] } }",
      );
    }
  }
};

const csvField = (value: unknown, delimiter: string): string => {
  if (value === undefined || value === null) {
    return '';
  }
  const text = typeof value === 'string' ? value : textOf(value);
  const needsQuotes = text.includes(delimiter) || /["\r\n]|^\s|\s$/.test(text);
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
};

const textOf = (value: {}): string => {
  if (value instanceof Date) {
    return value.toISOString();
  }
  return typeof value === 'object' ? JSON.stringify(value) : `${value as number}`;
};
