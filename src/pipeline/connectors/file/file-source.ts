import { type Duration, parseDuration } from '../../../foundation/common/duration.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { type MemorySize, parseMemorySize } from '../../../foundation/common/memory-size.ts';
import { fileSystemOf } from '../../../foundation/filesystem/file-systems.ts';
import type { Source } from '../source.ts';
import type { FileEnumeratorConfig } from './file-enumerator.ts';
import { FileReader } from './file-reader.ts';
import type { LineFormat } from './line-format.ts';

/** What all sources of files take. */
export interface FileSourceOptions<T> {
  readonly name?: string;
  /** Looks for new files again and again, so that the source has no end. A file counts when it has stopped growing. */
  readonly monitorEvery?: Duration;
  /** Files are read in ranges of this size, by all subtasks; `64mb` when missing. */
  readonly splitSize?: MemorySize;
  /** A longer line is an error; `64mb` when missing. */
  readonly maxLineSize?: MemorySize;
  /** How much is read at once, three times of which is kept in memory; `1mb` when missing. */
  readonly readSize?: MemorySize;
  /** The event time of a record, in milliseconds since 1970. */
  readonly timestamps?: (record: T) => number;
}

/** A file, a folder (all files in and below it), a pattern with `*`, `?`, `[abc]`, `{a,b}` and `**`, or several of these. */
export type FilePaths = string | readonly string[];

export const fileSource = <T>(
  kind: string,
  paths: FilePaths,
  options: FileSourceOptions<T>,
  format: LineFormat<T>,
  onError: 'fail' | 'skip' = 'fail',
): Source<T> => {
  const all = typeof paths === 'string' ? [paths] : paths;
  if (all.length === 0) {
    throw new MillraceError('BAD_OPTION', `${kind}: there is no path; name at least one file, folder or pattern`);
  }
  for (const path of all) {
    // A scheme that is not there is an error of the builder.
    fileSystemOf(path);
  }
  const splitSizeBytes = parseMemorySize(options.splitSize ?? '64mb', 'splitSize');
  const maxLineBytes = parseMemorySize(options.maxLineSize ?? '64mb', 'maxLineSize');
  const chunkBytes = parseMemorySize(options.readSize ?? '1mb', 'readSize');
  if (splitSizeBytes < 1 || chunkBytes < 1) {
    throw new MillraceError('BAD_OPTION', `${kind}: "splitSize" and "readSize" are at least 1 byte`);
  }
  const { monitorEvery, timestamps } = options;
  const config: FileEnumeratorConfig = {
    paths: all,
    splitSizeBytes: format.quotedLineEnds ? null : splitSizeBytes,
    monitorEveryMs: monitorEvery === undefined ? null : Math.max(1, parseDuration(monitorEvery, 'monitorEvery')),
  };
  return {
    name: options.name ?? `${kind} ${all.join(' ')}`,
    behavior: {
      createReader: (context) => new FileReader<T>(context, { format, onError, timestamps, maxLineBytes, chunkBytes }),
    },
    plan: { enumerator: 'file', config, bounded: monitorEvery === undefined },
  };
};
