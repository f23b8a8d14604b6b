import type { HighAvailabilityServices } from '../coordination/high-availability-services.ts';
import {
  readStorageContents,
  writePointersAnew,
  type StorageContents,
} from '../coordination/storage/restore-from-storage.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import type { RestoredStore } from '../interfaces/cli/ha-command.ts';
import { openHighAvailability } from './high-availability.ts';
import { leadAlone } from './lead-alone.ts';
import { placesOf } from './local-places.ts';
import { namedStorage } from './named-storage.ts';

export interface RestoreStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Only says what would be written. */
  readonly isDryRun: boolean;
  /** The store may know some of the jobs; those stay as they are. */
  readonly addsMissing: boolean;
}

/**
 * Writes the pointers of an HA store anew from the self-describing files in `storageDir` (R12). Errors: BAD_OPTION (without HA, or
 * nothing to restore), STORE_IN_USE (somebody leads, or it knows jobs), LEADERSHIP_LOST and STORE_AWAY (to be repeated), those of
 * the file system.
 */
export const restoreStore = async (
  configuration: Configuration,
  options: RestoreStoreOptions,
): Promise<RestoredStore> => {
  const storage = namedStorage(configuration, options.random);
  const contents = await readStorageContents({
    storage,
    checkpointFolder: (job) => {
      const own = configuration.with(job.configuration, 'the job').with(job.graph.settings, 'the job');
      const defaults = { checkpoints: storage.checkpointDirectory, savepoints: storage.savepointDirectory };
      return placesOf({ configuration: own, graph: job.graph }, job.jobId, defaults).checkpoints;
    },
    locate: fileSystemOf,
    random: options.random,
  });
  if (contents.jobs.length + contents.results.length + contents.broken.length === 0) {
    throw new MillraceError(
      'BAD_OPTION',
      `${storage.folder} holds no job of this cluster: there is nothing to restore`,
    );
  }
  if (options.isDryRun) {
    return summaryOf(contents, contents.jobs.length);
  }
  const { services } = await openHighAvailability(
    configuration.with({ [highAvailabilityOptions.startEmpty.key]: 'true' }, 'millrace ha restore'),
    { clock: options.clock, random: options.random, logger: silentLogger, role: 'jobmanager' },
  );
  try {
    const missing = await missingOf(services, contents, options.addsMissing);
    await leadAlone(services, configuration, { ...options, above: contents.highestEpoch }, (leadership) =>
      writePointersAnew(services.leading(leadership), missing),
    );
    return summaryOf(contents, missing.jobs.length);
  } finally {
    await services.close();
  }
};

/** What the store does not know yet. A store that works is not touched unless that is asked for. */
const missingOf = async (
  { reader }: HighAvailabilityServices,
  contents: StorageContents,
  addsMissing: boolean,
): Promise<StorageContents> => {
  const ids = (entries: readonly { readonly jobId: JobId }[]): ReadonlySet<JobId> =>
    new Set(entries.map(({ jobId }) => jobId));
  const known = ids(await reader.jobs());
  const ended = ids(await reader.results());
  const missing = {
    ...contents,
    jobs: contents.jobs.filter(({ graph }) => !known.has(graph.jobId) && !ended.has(graph.jobId)),
    results: contents.results.filter(({ jobId }) => !ended.has(jobId)),
  };
  if (!addsMissing && known.size + ended.size > 0) {
    const names = missing.jobs.map(({ graph }) => graph.jobId).join(', ');
    throw new MillraceError(
      'STORE_IN_USE',
      `the HA store knows ${known.size} running and ${ended.size} ended jobs already; ` +
        (names === ''
          ? 'none of storageDir is missing in it'
          : `missing in it: ${names}. If a restore was interrupted, write those too with --missing`),
    );
  }
  return missing;
};

const summaryOf = ({ jobs, results, broken }: StorageContents, written: number): RestoredStore => ({
  jobs: jobs.map(({ graph, checkpoint }) => ({
    jobId: graph.jobId,
    jobName: graph.jobName,
    checkpoint: checkpoint?.metadataPath,
  })),
  written,
  ended: results.length,
  broken: broken.map(({ path, error }) => ({ path, message: error.message })),
});
