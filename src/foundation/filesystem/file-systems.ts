import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path/posix';
import { MillraceError, messageOf } from '../common/errors.ts';
import type { FileSystem } from './file-system.ts';
import { LocalFileSystem } from './local/local-file-system.ts';
import { MemoryFileSystem } from './memory/memory-file-system.ts';

/** A place: the file system of a URI and the absolute path in it. */
export interface Location {
  readonly fs: FileSystem;
  readonly path: string;
}

/** At least two characters, so that `C:` is no scheme. */
const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]+):(.*)$/s;

const local = new LocalFileSystem();
/** Of this thread alone: worker threads do not see each other's. */
let memory: MemoryFileSystem | undefined;

const bySchemes: Readonly<Record<string, (uri: string, rest: string) => Location>> = {
  file: (uri, rest) => ({ fs: local, path: pathOfFileUri(uri, rest) }),
  memory: (_uri, rest) => ({ fs: (memory ??= new MemoryFileSystem()), path: resolve('/', rest.replace(/^\/\//, '')) }),
};

/**
 * Where a plain path (relative to the working directory, or absolute) or a URI (`file:///a`, `memory://a`) leads.
 * Errors: BAD_OPTION when there is no file system of that scheme, or the URI makes no sense.
 */
export const fileSystemOf = (uri: string): Location => {
  if (uri === '') {
    throw new MillraceError('BAD_OPTION', 'an empty path names no file or folder');
  }
  if (uri.includes('\0')) {
    throw new MillraceError('BAD_OPTION', `the path ${JSON.stringify(uri)} has a zero byte in it`);
  }
  const match = SCHEME.exec(uri);
  if (match === null) {
    return { fs: local, path: resolve(uri) };
  }
  const scheme = match[1]!.toLowerCase();
  const locate = Object.hasOwn(bySchemes, scheme) ? bySchemes[scheme] : undefined;
  if (locate === undefined) {
    const known = Object.keys(bySchemes).join(':, ');
    throw new MillraceError(
      'BAD_OPTION',
      `there is no file system for "${scheme}:" in ${uri}; this version has ${known}: and plain paths ` +
        `(a path with a colon in its first part is written ./${uri})`,
    );
  }
  return locate(uri, match[2]!);
};

/** The path or URI that leads to a place; `fileSystemOf` of it is the place again. */
export const uriOf = ({ fs, path }: Location): string => {
  if (fs.scheme !== 'file') {
    return `${fs.scheme}://${path}`;
  }
  return path;
};

const pathOfFileUri = (uri: string, rest: string): string => {
  if (!rest.startsWith('/')) {
    throw new MillraceError('BAD_OPTION', `${uri} is not absolute; write file:///path, or the path without "file:"`);
  }
  try {
    return resolve(fileURLToPath(new URL(uri)));
  } catch (error) {
    throw new MillraceError(
      'BAD_OPTION',
      `${uri} is no path on this machine: ${messageOf(error)}; write file:///path`,
      {
        cause: error,
      },
    );
  }
};
