import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { systemRandom } from '../../foundation/common/system-random.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { LocalFileSystem } from '../../foundation/filesystem/local/local-file-system.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { highAvailabilityContract, type HaCluster } from '../high-availability-contract.ts';
import { EmbeddedServices } from './embedded-services.ts';

const opened: EmbeddedServices[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((services) => services.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

const clusterOn = (newFileSystem: () => FileSystem, folder: string): HaCluster => ({
  open: async () => {
    const services = await EmbeddedServices.open({
      fs: newFileSystem(),
      folder,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      leaseMs: 600_000,
      pollIntervalMs: 5,
      // So small that snapshots and deletions happen all the time.
      snapshotInterval: 4,
      beforeCreation: async () => undefined,
    });
    opened.push(services);
    return services;
  },
});

describe('the contract, in memory', () => {
  for (const { name, run } of highAvailabilityContract) {
    test(name, () => {
      const disk = new MemoryDisk(() => 1);
      return run(clusterOn(() => new MemoryFileSystem({ disk }), '/ha'));
    });
  }
});

describe('the contract, on a disk', () => {
  for (const { name, run } of highAvailabilityContract) {
    test(name, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-ha-'));
      folders.push(folder);
      await run(clusterOn(() => new LocalFileSystem(), join(folder, 'ha')));
    });
  }
});
