import { type Duration, parseDuration } from '../../../foundation/common/duration.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { type MemorySize, parseMemorySize } from '../../../foundation/common/memory-size.ts';
import type { FileSystem } from '../../../foundation/filesystem/file-system.ts';
import { fileSystemOf } from '../../../foundation/filesystem/file-systems.ts';
import type { Sink, SinkBehavior } from '../sink.ts';
import { FileSinkWriter, type PreparedParts } from './file-sink-writer.ts';
import { type CsvFormat, csvFormat, jsonFormat, lineFormat, type RecordFormat, textFormat } from './record-format.ts';

export interface Rolling {
  /** A part that reached this size is closed; no limit when missing. */
  readonly maxSize?: MemorySize;
  /** So is one that is open that long, looked at as data is written and at checkpoints; no limit when missing. */
  readonly maxAge?: Duration;
  /**
   * Closes the part at each checkpoint, so that everything is visible as soon as its checkpoint is complete; `true` when
   * missing. With `false` parts go on over checkpoints, and become visible with the one after they are closed.
   */
  readonly onCheckpoint?: boolean;
}

export interface FileSinkOptions {
  /** The folder, made if it is not there. */
  readonly path: string;
  readonly rolling?: Rolling;
  /** Files are called `<prefix>-<subtask>-<number><suffix>`: `part` and nothing when missing. */
  readonly prefix?: string;
  readonly suffix?: string;
  /** Something takes finished files away, so that one that is gone is not taken for lost. */
  readonly takenAway?: boolean;
}

/**
 * Writes records to files of a folder, exactly once in a job with checkpoints: a file gets its name when the checkpoint
 * that counts it is complete, and is hidden (its name starts with a dot) until then. The files of a subtask, read in the
 * order of their names, are its records in order. Without checkpoints files appear every ten seconds and at the end.
 *
 * Formats: `text` (one line for each record, the default), `json` (one JSON value a line), `csv`, or a function that makes
 * the line.
 *
 * ```ts
 * import { fileSink } from 'millrace/connectors/file';
 *
 * const lines = fileSink({ path: 'out' });
 * const json = fileSink({ path: 'out', format: 'json', suffix: '.jsonl', rolling: { maxSize: '128mb' } });
 * const csv = fileSink<{ a: number; b: string }>({ path: 'out', format: { csv: { columns: ['b', 'a'], header: true } } });
 * const own = fileSink({ path: 'out', format: (row: { a: number }) => `a is ${row.a}` });
 * ```
 */
export function fileSink(
  options: FileSinkOptions & { readonly format?: 'text' },
): Sink<string | number | bigint | boolean>;
export function fileSink(options: FileSinkOptions & { readonly format: 'json' }): Sink<unknown>;
export function fileSink<T extends object = object>(
  options: FileSinkOptions & { readonly format: 'csv' | CsvFormat<T> },
): Sink<T>;
export function fileSink<T>(options: FileSinkOptions & { readonly format: (record: T) => string }): Sink<T>;
export function fileSink<T>(options: FileSinkOptions & { readonly format?: FileFormat<T> }): Sink<T> {
  // Jobs may be JavaScript, too.
  if (typeof (options as Partial<FileSinkOptions> | undefined)?.path !== 'string') {
    throw new MillraceError('BAD_OPTION', "fileSink takes its folder as an option: fileSink({ path: 'out' })");
  }
  // A scheme that is not there is an error of the builder.
  fileSystemOf(options.path);
  return {
    name: `files ${options.path}`,
    kind: 'file',
    behavior: fileSinkBehavior<T>(options, () => fileSystemOf(options.path)),
  };
}

export type FileFormat<T> = 'text' | 'json' | 'csv' | CsvFormat<T> | ((record: T) => string);

/** The sink on a file system of the caller's. */
export const fileSinkBehavior = <T>(
  options: FileSinkOptions & { readonly format?: FileFormat<T> },
  locate: () => { readonly fs: FileSystem; readonly path: string },
): SinkBehavior<T, PreparedParts> => {
  const { rolling = {}, prefix = 'part', suffix = '', takenAway = false } = options;
  const maxSizeBytes = rolling.maxSize === undefined ? Infinity : parseMemorySize(rolling.maxSize, 'rolling.maxSize');
  const maxAgeMs = rolling.maxAge === undefined ? Infinity : parseDuration(rolling.maxAge, 'rolling.maxAge');
  const rollOnCheckpoint = rolling.onCheckpoint ?? true;
  if (!rollOnCheckpoint && maxSizeBytes === Infinity && maxAgeMs === Infinity) {
    throw new MillraceError(
      'BAD_OPTION',
      'the file sink would never close a file: with rolling.onCheckpoint false give rolling.maxSize or rolling.maxAge',
    );
  }
  if (prefix === '' || prefix.startsWith('.') || /[/\\]/.test(prefix) || /[/\\]/.test(suffix)) {
    throw new MillraceError(
      'BAD_OPTION',
      'the prefix of a file sink starts with no dot and has, as the suffix, no slash',
    );
  }
  // Looked at once in the builder, so that a wrong format is an error there.
  recordFormat(options.format);
  return {
    bearsRepeats: false,
    createWriter: (context) =>
      new FileSinkWriter<T>(context, {
        ...recordFormat(options.format),
        folder: locate(),
        naming: { prefix, suffix },
        maxSizeBytes,
        maxAgeMs,
        rollOnCheckpoint,
        takenAway,
      }),
  };
};

const recordFormat = <T>(format: FileFormat<T> = 'text'): RecordFormat<T> => {
  if (typeof format === 'function') {
    return lineFormat(format);
  }
  if (typeof format === 'object') {
    return csvFormat(format);
  }
  switch (format) {
    case 'text':
      return textFormat();
    case 'json':
      return jsonFormat();
    case 'csv':
      return csvFormat<T>({ csv: {} });
    default:
      throw new MillraceError(
        'BAD_OPTION',
        `the format of the file sink is ${JSON.stringify(format)}; allowed: text, json, csv, { csv: { ... } } or a function`,
      );
  }
};
