import type { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { storageOf } from './high-availability.ts';

/** Of the cluster that a command cares for. Errors: BAD_OPTION where the configuration names no HA store. */
export const namedStorage = (configuration: Configuration, random: Random): ClusterStorage => {
  const { type, storageDirectory } = highAvailabilityOptions;
  const storage = configuration.get(type) === 'none' ? undefined : storageOf(configuration, random);
  if (storage === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `no HA store is named; say which with -D ${type.key}=embedded -D ${storageDirectory.key}=<folder>, or in a configuration (--config)`,
    );
  }
  return storage;
};
