import { MillraceError, messageOf } from '../../../foundation/common/errors.ts';
import type { Source } from '../source.ts';
import { type CsvColumns, type CsvRecord, fieldParser, type FieldParser, isCsvColumn } from './csv-columns.ts';
import { parseCsvRecord } from './csv-parser.ts';
import { type FilePaths, fileSource, type FileSourceOptions } from './file-source.ts';
import type { Decoded, LineFormat } from './line-format.ts';

export interface CsvFileOptions<T> extends FileSourceOptions<T> {
  /**
   * Whether the first line of each file names the columns, which may then stand in any order. When missing: yes, unless
   * `columns` are given.
   */
  readonly header?: boolean;
  /** One character; a comma when missing. */
  readonly delimiter?: string;
  /** What a line that does not parse does; `fail` when missing. `skip` counts such lines and logs now and then. */
  readonly onError?: 'fail' | 'skip';
  /**
   * Whether a field in quotes may have line ends, as RFC 4180 allows; `true` when missing. With `false` large files are
   * split, so that several subtasks read one.
   */
  readonly quotedLineEnds?: boolean;
}

/**
 * The lines of CSV files (RFC 4180, UTF-8) as objects. `columns` names and types the fields; without it the header names
 * them and each is a string. Empty lines are left out.
 *
 * ```ts
 * import { csvFile } from 'millrace/connectors/file';
 *
 * const prices = csvFile('prices.csv', { columns: { symbol: 'string', price: 'number', volume: 'integer?' } });
 * const people = csvFile('people.csv'); // with a header: Record<string, string>
 * ```
 */
export function csvFile<const C extends CsvColumns>(
  paths: FilePaths,
  options: CsvFileOptions<CsvRecord<C>> & { readonly columns: C },
): Source<CsvRecord<C>>;
export function csvFile(
  paths: FilePaths,
  options?: CsvFileOptions<Record<string, string>>,
): Source<Record<string, string>>;
export function csvFile(
  paths: FilePaths,
  options: CsvFileOptions<never> & { readonly columns?: CsvColumns } = {},
): Source<unknown> {
  const { columns, delimiter = ',', quotedLineEnds = true } = options;
  const header = options.header ?? columns === undefined;
  if (delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new MillraceError(
      'BAD_OPTION',
      `csvFile: the delimiter is ${JSON.stringify(delimiter)}; allowed: one character`,
    );
  }
  if (!header && columns === undefined) {
    throw new MillraceError('BAD_OPTION', 'csvFile: without a header the fields need names; give "columns"');
  }
  for (const [name, column] of Object.entries(columns ?? {})) {
    if (!isCsvColumn(column)) {
      throw new MillraceError(
        'BAD_OPTION',
        `csvFile: the type of column "${name}" is ${String(column)}; allowed: string, number, integer, bigint, boolean, ` +
          'date, each also with ? for fields that may be empty, or a function',
      );
    }
  }
  const format = csvLineFormat({ columns, header, delimiter, quotedLineEnds });
  return fileSource<unknown>('csvFile', paths, options as FileSourceOptions<unknown>, format, options.onError);
}

const csvLineFormat = (options: {
  readonly columns: CsvColumns | undefined;
  readonly header: boolean;
  readonly delimiter: string;
  readonly quotedLineEnds: boolean;
}): LineFormat<unknown> => ({
  quotedLineEnds: options.quotedLineEnds,
  hasHeader: options.header,
  decoder: (header) => {
    const names = header === undefined ? undefined : parseCsvRecord(header, options.delimiter);
    return decodeWith(fieldsOf(options.columns, names), options.delimiter, names?.length);
  },
});

/** A field of the record: where it stands in the line. */
interface Field {
  readonly name: string;
  readonly index: number;
  readonly parse: FieldParser;
}

const fieldsOf = (columns: CsvColumns | undefined, header: readonly string[] | undefined): Field[] => {
  if (columns === undefined) {
    return (header ?? []).map((name, index) => ({ name, index, parse: fieldParser('string') }));
  }
  return Object.entries(columns).map(([name, column], place) => {
    const index = header === undefined ? place : header.indexOf(name);
    if (index < 0) {
      throw new MillraceError('BAD_RECORD', `the header has no column "${name}", only ${header?.join(', ')}`);
    }
    return { name, index, parse: fieldParser(column) };
  });
};

const decodeWith = (
  fields: readonly Field[],
  delimiter: string,
  headerLength = fields.length,
): ((text: string) => Decoded<unknown> | undefined) => {
  return (text) => {
    if (text === '') {
      return undefined;
    }
    const values = parseCsvRecord(text, delimiter);
    if (values.length !== headerLength) {
      throw new Error(`${values.length} fields where ${headerLength} are expected`);
    }
    const record: Record<string, unknown> = {};
    for (const { name, index, parse } of fields) {
      try {
        record[name] = parse(values[index]!);
      } catch (error) {
        throw new Error(`column "${name}": ${messageOf(error)}`, { cause: error });
      }
    }
    return { record };
  };
};
