import { codeOf, messageOf, MillraceError } from '../../common/errors.ts';
import type { ErrorCode } from '../../common/errors.ts';

interface Explanation {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly text: string;
}

const given = (text: string): Explanation => ({ code: 'FILESYSTEM', retryable: false, text });
/** The storage is away (R5): the same call may succeed later. */
const away = (text: string): Explanation => ({ code: 'FILESYSTEM', retryable: true, text });

const unreachable = away('the file system does not answer; check its mount and the network');
const denied = given('permission denied; let the user that runs Millrace read and write there, or name another folder');

const explanations: Readonly<Record<string, Explanation>> = {
  ENOENT: { code: 'FILE_NOT_FOUND', retryable: false, text: 'no such file or folder' },
  EEXIST: { code: 'FILE_EXISTS', retryable: false, text: 'it exists already' },
  EACCES: denied,
  EPERM: denied,
  ENOSPC: given('no space left on the device; free some, or name a folder on another device'),
  EDQUOT: given('the disk quota is used up; free some space, or name a folder on another device'),
  EROFS: given('the file system is read-only; mount it writable, or name another folder'),
  EISDIR: given('it is a folder, not a file'),
  ENOTDIR: given('a part of the path is a file, not a folder'),
  ENAMETOOLONG: given('the name is too long for the file system'),
  ELOOP: given('the path has a loop of symbolic links'),
  EFBIG: given('the file would be larger than the file system allows'),
  EMFILE: away('too many open files; raise the limit of the process (ulimit -n)'),
  ENFILE: away('too many open files on this machine'),
  EIO: away('the device reports an I/O error; see the log of the operating system'),
  EBUSY: away('it is in use'),
  ESTALE: unreachable,
  ETIMEDOUT: unreachable,
  EHOSTDOWN: unreachable,
  EHOSTUNREACH: unreachable,
  ENOTCONN: unreachable,
  ECONNREFUSED: unreachable,
  ENODEV: unreachable,
  ENXIO: unreachable,
};

/** What the operating system said, as an error that names the path and the way out; `action` as in `write to`. */
export const diskError = (thrown: unknown, action: string, path: string): MillraceError => {
  if (thrown instanceof MillraceError) {
    return thrown;
  }
  const { code, retryable, text } = explanations[codeOf(thrown) ?? ''] ?? given(messageOf(thrown));
  return new MillraceError(code, `cannot ${action} ${path}: ${text}`, { cause: thrown, retryable });
};

/** What a failed `link` means for a write that must not replace anything. */
export const linkError = (thrown: unknown, path: string): MillraceError =>
  withoutLinks.has(codeOf(thrown))
    ? new MillraceError(
        'UNSUPPORTED',
        `cannot create ${path}: its file system has no hard links, which creating a file only if it is absent needs; ` +
          'name a folder on another file system',
        { cause: thrown },
      )
    : diskError(thrown, 'create', path);

const withoutLinks = new Set<string | undefined>(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);

export const isMissing = (thrown: unknown): boolean => {
  const code = codeOf(thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
};
