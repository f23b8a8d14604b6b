import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../foundation/common/logger.ts';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { systemRandom } from '../../foundation/common/system-random.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import { openHighAvailability, type HighAvailability } from '../high-availability.ts';

/** What a cluster with the embedded store keeps, in a folder of its own; its leases are short. */
export class StoredCluster implements AsyncDisposable {
  readonly folder: string;
  readonly #opened: HighAvailability[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<StoredCluster> {
    return new StoredCluster(await mkdtemp(join(tmpdir(), 'millrace-stored-')));
  }

  get configuration(): Configuration {
    return Configuration.of({
      'high-availability.type': 'embedded',
      'high-availability.storageDir': this.folder,
      'high-availability.embedded.lease-duration': '300 ms',
    });
  }

  /** As a JobManager does. */
  async open(): Promise<HighAvailability> {
    const surroundings = {
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      role: 'jobmanager',
    } as const;
    const ha = await openHighAvailability(this.configuration, surroundings);
    this.#opened.push(ha);
    return ha;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map(({ services }) => services.close()));
    await rm(this.folder, { recursive: true });
  }
}
