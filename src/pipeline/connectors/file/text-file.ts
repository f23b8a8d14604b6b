import type { Source } from '../source.ts';
import { type FilePaths, fileSource, type FileSourceOptions } from './file-source.ts';

/**
 * The lines of text files (UTF-8), without their line ends.
 *
 * ```ts
 * import { textFile } from 'millrace/connectors/file';
 *
 * const lines = textFile('data/*.log');
 * ```
 */
export const textFile = (paths: FilePaths, options: FileSourceOptions<string> = {}): Source<string> =>
  fileSource<string>('textFile', paths, options, {
    quotedLineEnds: false,
    hasHeader: false,
    decoder: () => (text) => ({ record: text }),
  });
