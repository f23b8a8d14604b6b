import type { Source } from '../source.ts';
import { type FilePaths, fileSource, type FileSourceOptions } from './file-source.ts';

export interface JsonLinesOptions<T> extends FileSourceOptions<T> {
  /** What a line that is no JSON, or that `parse` refuses, does; `fail` when missing. */
  readonly onError?: 'fail' | 'skip';
  /** Checks or converts the value of a line; what it throws makes the line a bad one. */
  readonly parse?: (value: unknown) => T;
}

/**
 * One JSON value a line; empty lines are left out. Without `parse` the type is the caller's promise.
 *
 * ```ts
 * import { jsonLines } from 'millrace/connectors/file';
 *
 * const trusted = jsonLines<{ id: number }>('orders/', { onError: 'skip' });
 *
 * declare const orderSchema: { parse(value: unknown): { id: number } }; // as of zod
 * const checked = jsonLines('orders/', { parse: (value) => orderSchema.parse(value) });
 * ```
 */
export const jsonLines = <T>(paths: FilePaths, options: JsonLinesOptions<T> = {}): Source<T> => {
  const { parse } = options;
  return fileSource<T>(
    'jsonLines',
    paths,
    options,
    {
      quotedLineEnds: false,
      hasHeader: false,
      decoder: () => (text) => {
        if (text === '' || text.trim() === '') {
          return undefined;
        }
        const value: unknown = JSON.parse(text);
        return { record: parse === undefined ? (value as T) : parse(value) };
      },
    },
    options.onError,
  );
};
