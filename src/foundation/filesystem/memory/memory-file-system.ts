import type { Random } from '../../common/random.ts';
import { systemRandom } from '../../common/system-random.ts';
import { DiskFileSystem } from '../disk/disk-file-system.ts';
import { MemoryDisk } from './memory-disk.ts';
import { tappedDisk } from './tapped-disk.ts';
import type { DiskTap } from './tapped-disk.ts';

export interface MemoryFileSystemOptions {
  /** Several file systems, as of several processes, may share one disk. */
  readonly disk?: MemoryDisk;
  readonly random?: Random;
  /** Milliseconds since 1970, for `modifiedMs`. */
  readonly now?: () => number;
  /** Sees each call of the disk before it happens; what it throws is the outcome of the call. */
  readonly tap?: DiskTap;
}

/**
 * Files in the memory of one thread, written with the same calls in the same order as on a real disk, so that a test can
 * stop between any two of them and lose what was not flushed.
 */
export class MemoryFileSystem extends DiskFileSystem {
  readonly disk: MemoryDisk;

  constructor(options: MemoryFileSystemOptions = {}) {
    const disk = options.disk ?? new MemoryDisk(options.now ?? Date.now);
    super('memory', options.tap === undefined ? disk : tappedDisk(disk, options.tap), options.random ?? systemRandom);
    this.disk = disk;
  }

  /** Loses power: what was not flushed is gone, or partly. Make a new file system on `disk` to go on as a new process. */
  crash(random: Random): void {
    this.disk.crash(random);
  }
}
