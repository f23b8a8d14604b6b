import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { FileSystem } from '../../../foundation/filesystem/file-system.ts';
import { pending as pendingName } from './part-names.ts';

/** A finished part, as a transaction lists it. Names without folder. */
export interface FinishedPart {
  /** Without stage. */
  readonly hidden: string;
  readonly final: string;
  readonly sizeBytes: number;
}

export interface PartFolder {
  readonly fs: FileSystem;
  readonly path: string;
}

const COMPARED_BYTES = 1024 * 1024;

/**
 * Gives a finished part its final name. It may be called again for the same part, in another process too: a pending file
 * that is gone where the final one is there means that it was done.
 */
export const commitPart = async (folder: PartFolder, part: FinishedPart, mayBeTaken: boolean): Promise<void> => {
  const { fs } = folder;
  const pending = `${folder.path}/${pendingName(part.hidden)}`;
  const final = `${folder.path}/${part.final}`;
  if ((await fs.stat(final)) !== undefined) {
    return settleExisting(fs, part, pending, final);
  }
  try {
    await fs.rename(pending, final);
  } catch (error) {
    if (codeOf(error) !== 'FILE_NOT_FOUND') {
      throw error;
    }
    // Another attempt may have been faster.
    const there = await fs.stat(final);
    if (there?.sizeBytes !== part.sizeBytes && !mayBeTaken) {
      throw lost(pending, final, error);
    }
  }
};

const settleExisting = async (fs: FileSystem, part: FinishedPart, pending: string, final: string): Promise<void> => {
  const [there, left] = [await fs.stat(final), await fs.stat(pending)];
  if (there?.sizeBytes !== part.sizeBytes) {
    throw left === undefined ? lost(pending, final, undefined) : taken(pending, final);
  }
  // Both, after a power loss in the middle of the rename.
  if (left !== undefined && !(await isSame(fs, pending, final, part.sizeBytes))) {
    throw taken(pending, final);
  }
  // Also where nothing is left: it makes durable what a killed process renamed.
  await fs.delete(pending);
};

const isSame = async (fs: FileSystem, a: string, b: string, sizeBytes: number): Promise<boolean> => {
  for (let offset = 0; offset < sizeBytes; offset += COMPARED_BYTES) {
    const inA = await fs.readRange(a, offset, COMPARED_BYTES);
    if (Buffer.compare(inA, await fs.readRange(b, offset, COMPARED_BYTES)) !== 0) {
      return false;
    }
  }
  return true;
};

const lost = (pending: string, final: string, cause: unknown): MillraceError =>
  new MillraceError(
    'FILE_NOT_FOUND',
    `output is lost: a completed checkpoint lists ${pending}, but neither that file nor ${final} with its content is ` +
      'there. If something takes committed files away, say takenAway: true in fileSink; if the folder was emptied, start ' +
      'the job without the checkpoint',
    { cause },
  );

const taken = (pending: string, final: string): MillraceError =>
  new MillraceError(
    'FILE_EXISTS',
    `${pending} cannot become ${final}: another file has that name. Two jobs seem to write to one folder; give each a ` +
      'folder or a prefix of its own',
  );
