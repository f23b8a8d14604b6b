import type { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import {
  CHECKPOINTS_NAME,
  isJobFolderName,
  MARKER_NAME,
  RESULTS_NAME,
  SAVEPOINTS_NAME,
} from '../coordination/storage/storage-layout.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { targetOfTemporaryName } from '../foundation/filesystem/disk/temporary-name.ts';
import { isProbeName } from '../foundation/filesystem/probe-writable.ts';
import type { FileSystem } from '../foundation/filesystem/file-system.ts';
import type { DeletedStore } from '../interfaces/cli/ha/ha-delete-command.ts';
import { openHighAvailability } from './high-availability.ts';
import { leadAlone } from './lead-alone.ts';
import { namedStorage } from './named-storage.ts';

export interface DeleteStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Only says what would be deleted. */
  readonly isDryRun: boolean;
  /** Although the store knows jobs that have not ended. */
  readonly givesJobsUp: boolean;
}

/**
 * Deletes what a cluster that has ended for good leaves: its HA store, then its files in `storageDir`. Checkpoints and savepoints
 * stay: they are its users'. Errors: BAD_OPTION (without HA), STORE_IN_USE (somebody leads, or there are jobs), STORE_AWAY (also where
 * there is no store), those of the file system.
 */
export const deleteStore = async (configuration: Configuration, options: DeleteStoreOptions): Promise<DeletedStore> => {
  const { clock, random, isDryRun, givesJobsUp } = options;
  const storage = namedStorage(configuration, random);
  const { services } = await openHighAvailability(configuration, {
    clock,
    random,
    logger: silentLogger,
    role: 'client',
  });
  try {
    const jobs = (await services.reader.jobs()).map((entry) => ({
      jobId: entry.jobId,
      jobName: entry.kind === 'read' ? entry.value.jobName : '?',
    }));
    const found: DeletedStore = { jobs, folder: storage.folder, ...(await contentsOf(storage)) };
    if (isDryRun) {
      return found;
    }
    requireNoJobs(givesJobsUp ? [] : jobs);
    await leadAlone(services, configuration, { clock, random, above: 0 }, () => Promise.resolve());
    await services.cleanupAllData();
    await deleteFiles(storage, found);
    return found;
  } finally {
    await services.close();
  }
};

const requireNoJobs = (jobs: DeletedStore['jobs']): void => {
  if (jobs.length > 0) {
    const names = jobs.map(({ jobId, jobName }) => `${jobName} (${jobId})`).join(', ');
    throw new MillraceError(
      'STORE_IN_USE',
      `the cluster has jobs that have not ended: ${names}; cancel them, or stop them with a savepoint, or give them up with ` +
        '--with-jobs (their checkpoints stay)',
    );
  }
};

/** Of what is in the folder only what the cluster makes: below it may be another cluster's, whose id goes on from this one's. */
const contentsOf = async (storage: ClusterStorage): Promise<Pick<DeletedStore, 'files' | 'kept'>> => {
  const files: string[] = [];
  const kept: string[] = [];
  for (const name of await storage.fs.names(storage.folder)) {
    const path = `${storage.folder}/${name}`;
    if (name === CHECKPOINTS_NAME || name === SAVEPOINTS_NAME) {
      ((await hasFiles(storage.fs, path)) ? kept : files).push(path);
    } else if (isOwnName(name)) {
      files.push(path);
    }
  }
  return { files, kept };
};

const isOwnName = (name: string): boolean =>
  name === MARKER_NAME ||
  name === RESULTS_NAME ||
  isJobFolderName(name) ||
  isProbeName(name) ||
  // Begun, and not complete.
  targetOfTemporaryName(name) !== undefined;

const hasFiles = async (fs: FileSystem, folder: string): Promise<boolean> => {
  for (const { name, isFolder } of await fs.list(folder)) {
    if (!isFolder || (await hasFiles(fs, `${folder}/${name}`))) {
      return true;
    }
  }
  return false;
};

const deleteFiles = async ({ fs, folder }: ClusterStorage, { files }: DeletedStore): Promise<void> => {
  for (const path of files) {
    const entry = await fs.stat(path);
    await (entry?.isFolder === true ? fs.deleteFolder(path) : fs.delete(path));
  }
  if ((await fs.names(folder)).length === 0) {
    await fs.deleteFolder(folder);
  }
};
