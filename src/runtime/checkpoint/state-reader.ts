import { crc32 } from 'node:zlib';
import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import type { FileStateHandle, StateReader } from '../state/state-handle.ts';
import { isSafePath } from './checkpoint-layout.ts';

/**
 * Reads what handles name below `baseFolder` (the job's checkpoint folder, or the savepoint's). Errors tell two things
 * apart (R5): CHECKPOINT_BROKEN when a file is damaged, or missing in a folder that is there; a retryable FILESYSTEM when
 * the storage is away.
 */
export const createStateReader = (fs: FileSystem, baseFolder: string): StateReader => ({
  async read(handle) {
    return handle.kind === 'inline' ? handle.bytes : await readVerified(fs, baseFolder, handle);
  },
});

const readVerified = async (fs: FileSystem, baseFolder: string, handle: FileStateHandle): Promise<Uint8Array> => {
  const path = `${baseFolder}/${handle.path}`;
  if (!isSafePath(handle.path)) {
    throw broken(path, 'its path leads out of the folder of the checkpoint');
  }
  let content: Uint8Array;
  try {
    content = await fs.read(path);
  } catch (error) {
    throw codeOf(error) === 'FILE_NOT_FOUND' ? await missing(fs, baseFolder, path, error) : away(path, error);
  }
  if (content.length !== handle.sizeBytes) {
    throw broken(path, `it has ${content.length} bytes, ${handle.sizeBytes} were written`);
  }
  if (crc32(content) !== handle.checksum) {
    throw broken(path, 'its checksum does not match: the file is damaged');
  }
  return content;
};

/** A missing file says something only where its folder is there: else nothing may be mounted. */
const missing = async (fs: FileSystem, baseFolder: string, path: string, cause: unknown): Promise<MillraceError> => {
  try {
    const folder = await fs.stat(baseFolder);
    if (folder !== undefined) {
      return broken(path, 'it is not there', cause);
    }
  } catch (error) {
    return away(path, error);
  }
  return new MillraceError(
    'FILESYSTEM',
    `cannot read the state file ${path}: the folder ${baseFolder} is not there; is its file system mounted?`,
    { cause, retryable: true },
  );
};

const away = (path: string, cause: unknown): MillraceError =>
  new MillraceError('FILESYSTEM', `cannot read the state file ${path}: ${messageOf(cause)}`, {
    cause,
    retryable: true,
  });

const broken = (path: string, problem: string, cause?: unknown): MillraceError =>
  new MillraceError('CHECKPOINT_BROKEN', `the state file ${path} cannot be used: ${problem}`, { cause });
