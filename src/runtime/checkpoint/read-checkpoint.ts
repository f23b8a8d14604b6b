import { basename, dirname } from 'node:path/posix';
import { codeOf, MillraceError } from '../../foundation/common/errors.ts';
import type { FileEntry, FileSystem } from '../../foundation/filesystem/file-system.ts';
import { fileSystemOf, uriOf } from '../../foundation/filesystem/file-systems.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import { checkpointFolderName, idOfCheckpointFolder, METADATA_NAME } from './checkpoint-layout.ts';
import { decodeMetadata } from './metadata-format.ts';
import type { CheckpointMetadata } from './metadata.ts';
import { filesOf } from './referenced-files.ts';

export interface ReadCheckpoint {
  readonly metadata: CheckpointMetadata;
  /** What the paths of the handles start from: the job's checkpoint folder, or the savepoint's. Plain path or URI. */
  readonly baseFolder: string;
  /** The folder of this checkpoint or savepoint. Plain path or URI. */
  readonly folder: string;
  readonly metadataFile: string;
}

export interface ReadCheckpointOptions {
  /** Another job's checkpoint is CHECKPOINT_MISMATCH. */
  readonly jobId?: string;
  /**
   * Another checkpoint is CHECKPOINT_MISMATCH. Who names the id knows that it was complete: when nothing is there, that is
   * CHECKPOINT_BROKEN, or a retryable FILESYSTEM when the folder that it was in is gone as a whole (R5).
   */
  readonly checkpointId?: number;
  /** Where paths and URIs lead. */
  readonly locate?: (uri: string) => Location;
}

/**
 * Reads the metadata that `place` names: a `_metadata` file, the folder of a checkpoint or savepoint, or the checkpoint
 * folder of a job, then the newest that is complete. Errors say what is wrong with `place`: FILE_NOT_FOUND,
 * CHECKPOINT_BROKEN, CHECKPOINT_NEWER_VERSION, CHECKPOINT_MISMATCH, BAD_OPTION, or FILESYSTEM when the storage is away.
 */
export const readCheckpoint = async (place: string, options: ReadCheckpointOptions = {}): Promise<ReadCheckpoint> => {
  const { fs, path } = (options.locate ?? fileSystemOf)(place);
  const metadataPath = await findMetadata(fs, path, place).catch(async (error: unknown) => {
    throw options.checkpointId !== undefined && codeOf(error) === 'FILE_NOT_FOUND'
      ? await lost(fs, path, place)
      : error;
  });
  const metadataFile = uriOf({ fs, path: metadataPath });
  const metadata = decodeMetadata(await fs.read(metadataPath), metadataFile);
  checkExpected(metadata, metadataFile, options);
  const folder = dirname(metadataPath);
  if (metadata.kind === 'checkpoint' && basename(folder) !== checkpointFolderName(metadata.checkpointId)) {
    throw new MillraceError(
      'CHECKPOINT_BROKEN',
      `${metadataFile} is of checkpoint ${metadata.checkpointId}, whose folder must be called ` +
        `"${checkpointFolderName(metadata.checkpointId)}", with the "shared" folder beside it; ` +
        "copy a job's whole checkpoint folder, or take a savepoint, which is one folder",
    );
  }
  const base = metadata.kind === 'checkpoint' ? dirname(folder) : folder;
  return { metadata, baseFolder: uriOf({ fs, path: base }), folder: uriOf({ fs, path: folder }), metadataFile };
};

/** The checkpoints of one job, by id; `complete` says whether it has its `_metadata`. */
export const listCheckpoints = async (
  fs: FileSystem,
  jobFolder: string,
): Promise<{ readonly checkpointId: number; readonly complete: boolean }[]> =>
  Promise.all(
    checkpointIdsIn(await fs.list(jobFolder)).map(async (checkpointId) => ({
      checkpointId,
      complete: (await fs.stat(metadataOf(jobFolder, checkpointId)))?.isFolder === false,
    })),
  );

/**
 * The newest complete checkpoint of the same job folder, when it is newer than the one that was read: restoring the
 * older one repeats output, so that a user is warned. A savepoint has no such neighbours.
 */
export const newerCheckpoint = async (
  checkpoint: ReadCheckpoint,
  locate: (uri: string) => Location = fileSystemOf,
): Promise<{ readonly checkpointId: number; readonly folder: string } | undefined> => {
  if (checkpoint.metadata.kind === 'savepoint') {
    return undefined;
  }
  const { fs, path } = locate(checkpoint.baseFolder);
  const newest = (await listCheckpoints(fs, path)).findLast(({ complete }) => complete);
  return newest === undefined || newest.checkpointId <= checkpoint.metadata.checkpointId
    ? undefined
    : {
        checkpointId: newest.checkpointId,
        folder: uriOf({ fs, path: `${path}/${checkpointFolderName(newest.checkpointId)}` }),
      };
};

/** Looks, without reading them, whether the data files are there and have their sizes; CHECKPOINT_BROKEN names those that do not. */
export const checkDataFiles = async (
  checkpoint: ReadCheckpoint,
  locate: (uri: string) => Location = fileSystemOf,
): Promise<void> => {
  const { fs, path } = locate(checkpoint.baseFolder);
  const wrong: string[] = [];
  const handles = [...filesOf(checkpoint.metadata).values()];
  for (const handle of handles) {
    const entry = await fs.stat(`${path}/${handle.path}`);
    if (entry === undefined) {
      wrong.push(`${handle.path} is not there`);
    } else if (entry.sizeBytes !== handle.sizeBytes) {
      wrong.push(`${handle.path} has ${entry.sizeBytes} bytes, ${handle.sizeBytes} were written`);
    }
  }
  if (wrong.length > 0) {
    throw new MillraceError(
      'CHECKPOINT_BROKEN',
      `the checkpoint ${checkpoint.folder} cannot be used: of its ${handles.length} data files below ` +
        `${checkpoint.baseFolder}, ${shortList(wrong, '; ')}; was only a part of the folder copied?`,
    );
  }
};

const checkExpected = (metadata: CheckpointMetadata, file: string, expected: ReadCheckpointOptions): void => {
  if (expected.jobId !== undefined && expected.jobId !== metadata.jobId) {
    throw new MillraceError(
      'CHECKPOINT_MISMATCH',
      `${file} is a checkpoint of job ${metadata.jobId} ("${metadata.jobName}"), not of job ${expected.jobId}`,
    );
  }
  if (expected.checkpointId !== undefined && expected.checkpointId !== metadata.checkpointId) {
    throw new MillraceError(
      'CHECKPOINT_MISMATCH',
      `${file} is checkpoint ${metadata.checkpointId}, not ${expected.checkpointId}`,
    );
  }
};

/** Something is there above the missing folder of a checkpoint: it was deleted. Nothing is: perhaps it is not mounted. */
const lost = async (fs: FileSystem, path: string, place: string): Promise<MillraceError> => {
  const folder = basename(path) === METADATA_NAME ? dirname(path) : path;
  const above = await fs.stat(dirname(folder));
  return above === undefined
    ? new MillraceError(
        'FILESYSTEM',
        `cannot read ${place}: ${dirname(folder)} is not there; is its file system mounted?`,
        {
          retryable: true,
        },
      )
    : new MillraceError('CHECKPOINT_BROKEN', `the checkpoint ${place} cannot be used: it is not there`);
};

const findMetadata = async (fs: FileSystem, path: string, place: string): Promise<string> => {
  const entry = await fs.stat(path);
  if (entry === undefined) {
    throw new MillraceError('FILE_NOT_FOUND', `there is no checkpoint at ${place}: no such file or folder`);
  }
  if (!entry.isFolder) {
    return path;
  }
  const entries = await fs.list(path);
  if (entries.some(({ name, isFolder }) => name === METADATA_NAME && !isFolder)) {
    return `${path}/${METADATA_NAME}`;
  }
  const ids = checkpointIdsIn(entries);
  for (const id of ids.toReversed()) {
    if ((await fs.stat(metadataOf(path, id)))?.isFolder === false) {
      return metadataOf(path, id);
    }
  }
  throw withoutMetadata(entries, ids, path, place);
};

const withoutMetadata = (
  entries: readonly FileEntry[],
  ids: readonly number[],
  path: string,
  place: string,
): MillraceError => {
  const incomplete = (what: string): MillraceError => new MillraceError('CHECKPOINT_BROKEN', what);
  if (ids.length > 0) {
    return incomplete(
      `no checkpoint in ${place} is complete: none of ${shortList(ids.map(checkpointFolderName), ', ')} has a _metadata file`,
    );
  }
  const name = basename(path);
  if (idOfCheckpointFolder(name) !== undefined || name.startsWith('savepoint-')) {
    return incomplete(`${place} is not complete: it has no _metadata file, which is written last; name another one`);
  }
  const inner = entries.filter(({ name: inside, isFolder }) => isFolder && INNER_FOLDER.test(inside));
  if (inner.length > 0) {
    return incomplete(
      `${place} is the folder of several jobs or savepoints; name one of them: ${shortList(
        inner.map((entry) => entry.name),
        ', ',
      )}`,
    );
  }
  return incomplete(`${place} is no checkpoint: there is neither a _metadata file nor a chk-<n> folder in it`);
};

const INNER_FOLDER = /^(savepoint-.+|[0-9a-f]{32})$/;

/** Ascending. */
const checkpointIdsIn = (entries: readonly FileEntry[]): number[] =>
  entries
    .filter((entry) => entry.isFolder)
    .flatMap((entry) => idOfCheckpointFolder(entry.name) ?? [])
    .sort((a, b) => a - b);

const metadataOf = (jobFolder: string, checkpointId: number): string =>
  `${jobFolder}/${checkpointFolderName(checkpointId)}/${METADATA_NAME}`;

const shortList = (items: readonly string[], separator: string): string =>
  items.length <= 5
    ? items.join(separator)
    : `${items.slice(0, 5).join(separator)}${separator}and ${items.length - 5} more`;
