import { assert } from '../../foundation/common/assert.ts';
import { targetOfTemporaryName } from '../../foundation/filesystem/disk/temporary-name.ts';
import {
  checkpointFolderName,
  idOfCheckpointFolder,
  idOfDataFile,
  METADATA_NAME,
  SHARED_NAME,
} from './checkpoint-layout.ts';

/** A completed checkpoint of a job, with the paths its handles name. */
export interface RetainedCheckpoint {
  readonly checkpointId: number;
  readonly files: readonly string[];
}

export interface RetentionInput {
  /** All that the store points to, in any order. */
  readonly completed: readonly RetainedCheckpoint[];
  readonly numRetained: number;
  /** Kept whatever their age: bases of pending checkpoints (R6), what a restore or a user holds. */
  readonly held: ReadonlySet<number>;
}

/** What may go, in the order in which it goes: pointers, files, folders (I3). Paths start from the job's folder. */
export interface Deletions {
  /** Ids of checkpoints whose `_metadata`, the pointer to their files, goes before any file does. */
  readonly checkpoints: readonly number[];
  readonly files: readonly string[];
  /** Folders that go if nothing is left in them. */
  readonly folders: readonly string[];
}

/**
 * Keeps the newest checkpoints, what is held, and every file that one of these refers to. Of the others go the files that
 * are named as ours with an id below the newest completed one (R16).
 */
export const planRetention = (input: RetentionInput): Deletions => {
  assert(input.numRetained >= 1, 'at least one checkpoint is retained');
  const newestFirst = [...input.completed].sort((a, b) => b.checkpointId - a.checkpointId);
  const isKept = (checkpoint: RetainedCheckpoint, rank: number): boolean =>
    rank < input.numRetained || input.held.has(checkpoint.checkpointId);
  return planDeletion(
    newestFirst.filter((checkpoint, rank) => !isKept(checkpoint, rank)),
    newestFirst.filter(isKept),
  );
};

/** As `planRetention`, with what goes and what stays decided already. */
export const planDeletion = (
  retired: readonly RetainedCheckpoint[],
  kept: readonly RetainedCheckpoint[],
): Deletions => {
  const newest = newestOf([...retired, ...kept]);
  assert(
    retired.every(({ checkpointId }) => checkpointId < newest),
    'the newest completed checkpoint is retained',
  );
  const referred = new Set(kept.flatMap((checkpoint) => checkpoint.files));
  const files = [...new Set(retired.flatMap((checkpoint) => checkpoint.files))].filter(
    (path) => !referred.has(path) && isOurs(path, newest),
  );
  const folders = [
    ...retired.map(({ checkpointId }) => checkpointFolderName(checkpointId)),
    // Of a checkpoint that went before, but one of whose files was still in use.
    ...files.map((path) => path.split('/')[0]!).filter((folder) => folder !== SHARED_NAME),
  ];
  return {
    checkpoints: retired.map(({ checkpointId }) => checkpointId),
    files,
    folders: [...new Set(folders)],
  };
};

export interface CollectionInput {
  /** All that the store points to, and all else that is to stay. */
  readonly kept: readonly RetainedCheckpoint[];
  /** Paths of all files that are there. */
  readonly present: readonly string[];
}

/**
 * Finds what crashes and aborted checkpoints left behind: files named as ours, with an id below the newest checkpoint,
 * that no checkpoint refers to. A checkpoint that nothing points to is such a thing too.
 */
export const planCollection = ({ kept, present }: CollectionInput): Deletions => {
  const newest = newestOf(kept);
  const keptIds = new Set(kept.map(({ checkpointId }) => checkpointId));
  const referred = new Set(kept.flatMap((checkpoint) => checkpoint.files));
  const checkpoints = new Set<number>();
  const folders = new Set<string>();
  const files: string[] = [];
  for (const path of present) {
    const [folder, name, ...deeper] = path.split('/');
    const folderId = idOfCheckpointFolder(folder!);
    const isDead = folderId !== undefined && folderId < newest && !keptIds.has(folderId);
    if (name === undefined || deeper.length > 0 || referred.has(path)) {
      continue;
    }
    if (isDead) {
      folders.add(folder!);
    }
    if (isDead && name === METADATA_NAME) {
      checkpoints.add(folderId);
    } else if (isOurs(path, newest) || (isDead && targetOfTemporaryName(name) === METADATA_NAME)) {
      files.push(path);
    }
  }
  return { checkpoints: [...checkpoints], files, folders: [...folders] };
};

const newestOf = (checkpoints: readonly RetainedCheckpoint[]): number =>
  Math.max(0, ...checkpoints.map(({ checkpointId }) => checkpointId));

/** In a place for data files, with the name of one (or of one that was not finished) that is older than `newest`. */
const isOurs = (path: string, newest: number): boolean => {
  const [folder, name, ...deeper] = path.split('/');
  if (name === undefined || deeper.length > 0) {
    return false;
  }
  const id = idOfDataFile(targetOfTemporaryName(name) ?? name);
  const folderId = folder === SHARED_NAME ? id : idOfCheckpointFolder(folder!);
  return id !== undefined && folderId !== undefined && id < newest && folderId < newest;
};
