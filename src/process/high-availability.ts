import { EmbeddedServices } from '../coordination/embedded/embedded-services.ts';
import type { HighAvailabilityServices } from '../coordination/high-availability-services.ts';
import { NoneServices } from '../coordination/none/none-services.ts';
import { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import { clusterFolder } from '../coordination/storage/storage-layout.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { codeOf, MillraceError } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { fileSystemOf, type Location } from '../foundation/filesystem/file-systems.ts';
import { probeWritable } from '../foundation/filesystem/probe-writable.ts';
import { LeaseThread } from './lease-thread.ts';
import { absolutePlace } from './local-places.ts';
import { openZooKeeper } from './open-zookeeper.ts';
import { makePrivateFolder } from './private-folder.ts';

/** Entries of the embedded store's log between two snapshots: reading them all takes tens of milliseconds. */
const SNAPSHOT_INTERVAL = 512;

export interface HighAvailabilitySurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * JobManagers make the store where there is none, and have a thread that renews the lease while this one is held up; TaskManagers and
   * clients wait until there is a store. Clients ask once, and do not wait long for an answer.
   */
  readonly role: 'jobmanager' | 'taskmanager' | 'client';
}

export interface HighAvailability {
  readonly services: HighAvailabilityServices;
  /** `undefined`: without HA and without `high-availability.storageDir`. */
  readonly storage: ClusterStorage | undefined;
}

/**
 * The HA services that the configuration asks for. Errors: BAD_OPTION and UNSUPPORTED for what it says, FILESYSTEM for folders that
 * cannot be used, STORE_EMPTY (R12), STORE_BROKEN, STORE_AWAY (retryable: also where a JobManager has to make the store first).
 */
export const openHighAvailability = async (
  configuration: Configuration,
  surroundings: HighAvailabilitySurroundings,
): Promise<HighAvailability> => {
  const { clock, random } = surroundings;
  const type = configuration.get(highAvailabilityOptions.type);
  switch (type) {
    case 'none':
      return { services: new NoneServices({ clock, random }), storage: storageOf(configuration, random) };
    case 'embedded': {
      const storage = requireStorage(configuration, type, random);
      return { services: await openEmbedded(configuration, surroundings, storage), storage };
    }
    case 'zookeeper': {
      const storage = requireStorage(configuration, type, random);
      if (surroundings.role === 'jobmanager') {
        await makeStorage(storage);
      }
      return { services: await openZooKeeper(configuration, surroundings, storage), storage };
    }
    case 'kubernetes':
      throw new MillraceError(
        'UNSUPPORTED',
        `high-availability.type is ${type} (${configuration.origin(highAvailabilityOptions.type)}), which this version does not have ` +
          'yet; it has none, embedded and zookeeper',
      );
  }
};

const openEmbedded = async (
  configuration: Configuration,
  { clock, random, logger, role }: HighAvailabilitySurroundings,
  storage: ClusterStorage,
): Promise<HighAvailabilityServices> => {
  const { fs, path: folder } = embeddedFolder(configuration, storage);
  const startsEmpty = configuration.get(highAvailabilityOptions.startEmpty);
  if (role === 'jobmanager') {
    await makeStorage(storage);
  }
  try {
    return await EmbeddedServices.open({
      fs,
      folder,
      clock,
      random,
      logger,
      leaseMs: configuration.get(highAvailabilityOptions.embeddedLease),
      pollIntervalMs: configuration.get(highAvailabilityOptions.embeddedPollInterval),
      snapshotInterval: SNAPSHOT_INTERVAL,
      beforeCreation:
        role !== 'jobmanager' ? undefined : () => (startsEmpty ? Promise.resolve() : storage.requireNoJobs(folder)),
      // Other threads see the files of a disk, not those in the memory of this one.
      ...(role === 'jobmanager' && fs.scheme === 'file'
        ? { standIn: (lease, lineage) => new LeaseThread({ folder, lineage, lease, clock, logger }) }
        : {}),
    });
  } catch (error) {
    throw codeOf(error) === 'UNSUPPORTED' ? withoutLinks(folder, error) : error;
  }
};

const makeStorage = async (storage: ClusterStorage): Promise<void> => {
  if (storage.fs.scheme === 'file') {
    // Stored jobs have what `run --env` handed to them.
    await makePrivateFolder(storage.folder);
  }
  await probeWritable(storage.folder, highAvailabilityOptions.storageDirectory.key);
};

const embeddedFolder = (configuration: Configuration, storage: ClusterStorage): Location => {
  const set = configuration.get(highAvailabilityOptions.embeddedDirectory);
  return set === undefined
    ? { fs: storage.fs, path: storage.embeddedStoreFolder }
    : // Two clusters in one store would take each other's leadership and jobs.
      fileSystemOf(clusterFolder(absolutePlace(set), configuration.get(highAvailabilityOptions.clusterId)));
};

const requireStorage = (configuration: Configuration, type: string, random: Random): ClusterStorage => {
  const storage = storageOf(configuration, random);
  if (storage === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `high-availability.type is ${type}, but high-availability.storageDir is not set; name a folder that all JobManagers and ` +
        'TaskManagers see',
    );
  }
  return storage;
};

/** `undefined`: `high-availability.storageDir` is not set. */
export const storageOf = (configuration: Configuration, random: Random): ClusterStorage | undefined => {
  const directory = configuration.get(highAvailabilityOptions.storageDirectory);
  return directory === undefined || directory === ''
    ? undefined
    : ClusterStorage.of(absolutePlace(directory), configuration.get(highAvailabilityOptions.clusterId), random);
};

const withoutLinks = (folder: string, cause: unknown): MillraceError =>
  new MillraceError(
    'UNSUPPORTED',
    `the file system of ${folder} cannot create files only if they are absent, which the embedded HA store needs; name a folder on ` +
      'a disk of this machine with high-availability.embedded.dir',
    { cause },
  );
