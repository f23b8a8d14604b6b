import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../common/errors.ts';
import { diskError, linkError } from './disk-error.ts';

const system = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

describe('errors of the operating system', () => {
  test.each([
    ['ENOENT', 'FILE_NOT_FOUND', false, 'no such file or folder'],
    ['EEXIST', 'FILE_EXISTS', false, 'it exists already'],
    ['EACCES', 'FILESYSTEM', false, 'permission denied'],
    ['EPERM', 'FILESYSTEM', false, 'permission denied'],
    ['ENOSPC', 'FILESYSTEM', false, 'no space left on the device'],
    ['EDQUOT', 'FILESYSTEM', false, 'quota'],
    ['EROFS', 'FILESYSTEM', false, 'read-only'],
    ['EISDIR', 'FILESYSTEM', false, 'it is a folder'],
    ['ENOTDIR', 'FILESYSTEM', false, 'is a file, not a folder'],
    ['EIO', 'FILESYSTEM', true, 'I/O error'],
    ['ESTALE', 'FILESYSTEM', true, 'does not answer'],
    ['EMFILE', 'FILESYSTEM', true, 'ulimit -n'],
    ['EWHATEVER', 'FILESYSTEM', false, 'EWHATEVER: it failed'],
  ])('%s is %s', (systemCode, code, retryable, text) => {
    const cause = system(systemCode);
    const error = diskError(cause, 'write to', '/x/y');
    expect(error).toMatchObject({ code, retryable, cause });
    expect(error.message).toContain('cannot write to /x/y: ');
    expect(error.message).toContain(text);
  });

  test('an error of ours passes as it is', () => {
    const ours = new MillraceError('CORRUPT_DATA', 'short');
    expect(diskError(ours, 'read', '/x')).toBe(ours);
  });

  test('a file system without links is named as such, other failures of a link are not', () => {
    expect(linkError(system('EPERM'), '/x/y')).toMatchObject({ code: 'UNSUPPORTED' });
    expect(linkError(system('EPERM'), '/x/y').message).toContain('no hard links');
    expect(linkError(system('EEXIST'), '/x/y')).toMatchObject({ code: 'FILE_EXISTS' });
  });
});
