import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { codeOf, MillraceError } from '../../foundation/common/errors.ts';

/** The kernel's limit is 104 bytes on macOS and 108 on Linux, with a zero at the end. */
const SOCKET_PATH_BYTES_MAX = 103;
const SOCKET = /^(?<jobId>[0-9a-f]{32})\.sock$/;

/** Where the processes of one user find each other on this machine. */
export const runtimeFolder = (): string => join(tmpdir(), `millrace-${userInfo().uid}`);

/**
 * Makes the folder, for its user alone. Errors: FILESYSTEM when it cannot be made, or when it is somebody else's or open to
 * others: who can write there could command the jobs.
 */
export const makeRuntimeFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw new MillraceError('FILESYSTEM', `cannot make the folder ${folder}: ${codeOf(error) ?? ''}`, {
        cause: error,
      });
    }
  }
  await checkRuntimeFolder(folder);
};

/** Errors: FILESYSTEM as for `makeRuntimeFolder`. False when it is not there: then nothing runs. */
export const checkRuntimeFolder = async (folder: string): Promise<boolean> => {
  const stat = await lstat(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  });
  if (stat === undefined) {
    return false;
  }
  const { uid } = userInfo();
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) {
    throw new MillraceError(
      'FILESYSTEM',
      `${folder} is not a folder of this user alone, so that others could command the jobs; remove it, or set TMPDIR`,
    );
  }
  return true;
};

export const socketPath = (folder: string, jobId: string): string => {
  const path = join(folder, `${jobId}.sock`);
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new MillraceError('FILESYSTEM', `the path ${path} is too long for a socket; set TMPDIR to a shorter folder`);
  }
  return path;
};

/** The job that a file in the folder belongs to. */
export const jobOfSocket = (name: string): string | undefined => SOCKET.exec(name)?.groups?.['jobId'];
