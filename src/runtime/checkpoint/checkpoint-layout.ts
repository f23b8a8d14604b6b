import { assert } from '../../foundation/common/assert.ts';
import type { Random } from '../../foundation/common/random.ts';
import { targetOfTemporaryName } from '../../foundation/filesystem/disk/temporary-name.ts';

/**
 * Names below a checkpoint directory, as docs/formats/checkpoint.md shows them:
 * `<dir>/<job id>/chk-<n>/_metadata`, `<dir>/<job id>/chk-<n>/<data file>`, `<dir>/<job id>/shared/<data file>`, and
 * `<savepoint dir>/savepoint-<6 of the job id>-<random>/`, which has `_metadata` and all its data files.
 */
export const METADATA_NAME = '_metadata';
export const SHARED_NAME = 'shared';

const CHECKPOINT_FOLDER = /^chk-([1-9]\d{0,15})$/;
const DATA_FILE = /^[A-Za-z0-9_]{1,64}-([1-9]\d{0,15})-[0-9a-f]{16}$/;

export const checkpointFolderName = (checkpointId: number): string => `chk-${checkpointId}`;

/** The id of a folder named `chk-<n>`. */
export const idOfCheckpointFolder = (name: string): number | undefined => idIn(CHECKPOINT_FOLDER, name);

/** A name that is used once (R16) and says which checkpoint wrote the file. */
export const dataFileName = (tag: string, checkpointId: number, random: Random): string =>
  `${tag.replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, 64) || 'state'}-${checkpointId}-${random.hex(16)}`;

/** The checkpoint that wrote a data file, by its name alone or its path; `undefined` for any other file. */
export const idOfDataFile = (path: string): number | undefined =>
  idIn(DATA_FILE, path.slice(path.lastIndexOf('/') + 1));

/** A hidden file that became, or was to become, one of ours: a process was killed while it wrote it. */
export const isUnfinished = (name: string): boolean => {
  const target = targetOfTemporaryName(name);
  return target !== undefined && (target === METADATA_NAME || idOfDataFile(target) !== undefined);
};

/** The folder of a job's checkpoints in `checkpoints.dir`. */
export const jobCheckpointFolder = (checkpointDir: string, jobId: string): string =>
  `${withoutSlash(checkpointDir)}/${jobId}`;

/** A folder for a new savepoint in a savepoint directory; used once. */
export const newSavepointFolder = (savepointDir: string, jobId: string, random: Random): string =>
  `${withoutSlash(savepointDir)}/savepoint-${jobId.slice(0, 6)}-${random.hex(12)}`;

/** Whether a handle's path stays below the folder that it starts from. */
export const isSafePath = (path: string): boolean =>
  !path.includes('\0') &&
  !path.includes('\\') &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

const idIn = (pattern: RegExp, name: string): number | undefined => {
  const digits = pattern.exec(name)?.[1];
  const id = Number(digits);
  return digits !== undefined && Number.isSafeInteger(id) ? id : undefined;
};

const withoutSlash = (path: string): string => {
  assert(path !== '', 'a directory for checkpoints is named');
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
};
