import { codeOf, MillraceError } from '../../foundation/common/errors.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { checkpointFolderName, METADATA_NAME } from './checkpoint-layout.ts';
import { encodeMetadata } from './metadata-format.ts';
import type { CheckpointMetadata } from './metadata.ts';

export interface WrittenMetadata {
  /** Of the checkpoint: `<job folder>/chk-<n>`, or the savepoint's folder. */
  readonly folder: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Writes `_metadata`, the last file of a checkpoint: durable and whole, or not there. The files that its handles name are
 * durable before (`CheckpointTarget.writeState` returns only then), so that a checkpoint with `_metadata` is complete
 * (I3). `folder` is the job's checkpoint folder, or the savepoint's. Metadata of another run under the same name are
 * never replaced (I5); the same again is success, so that a write of unknown outcome can be repeated.
 */
export const writeMetadata = async (
  fs: FileSystem,
  folder: string,
  metadata: CheckpointMetadata,
): Promise<WrittenMetadata> => {
  const ownFolder = metadata.kind === 'savepoint' ? folder : `${folder}/${checkpointFolderName(metadata.checkpointId)}`;
  const path = `${ownFolder}/${METADATA_NAME}`;
  const content = encodeMetadata(metadata);
  await writeOnce(fs, path, content);
  return { folder: ownFolder, path, sizeBytes: content.length };
};

const writeOnce = async (fs: FileSystem, path: string, content: Uint8Array): Promise<void> => {
  try {
    await fs.write(path, content, { ifAbsent: true });
  } catch (error) {
    switch (codeOf(error)) {
      case 'FILE_EXISTS':
        return acceptOwn(fs, path, content, error);
      case 'UNSUPPORTED':
        return writeWithoutLinks(fs, path, content);
      default:
        throw error;
    }
  }
};

/** Where the file system cannot decide who is first, look: ids are not used twice, so that nobody else comes. */
const writeWithoutLinks = async (fs: FileSystem, path: string, content: Uint8Array): Promise<void> => {
  if ((await fs.stat(path)) === undefined) {
    await fs.write(path, content);
  } else {
    await acceptOwn(fs, path, content, undefined);
  }
};

const acceptOwn = async (fs: FileSystem, path: string, content: Uint8Array, cause: unknown): Promise<void> => {
  if (Buffer.compare(await fs.read(path), content) !== 0) {
    throw new MillraceError(
      'CHECKPOINT_FAILED',
      `${path} exists already: another run wrote a checkpoint of the same job and number; ` +
        'give each run a checkpoint directory or a job id of its own',
      { cause },
    );
  }
  // The first write may have failed between the name and the flush of it.
  await fs.write(path, content);
};
