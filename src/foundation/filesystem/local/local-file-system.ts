import type { Random } from '../../common/random.ts';
import { systemRandom } from '../../common/system-random.ts';
import { DiskFileSystem } from '../disk/disk-file-system.ts';
import { nodeDisk } from './node-disk.ts';

/** Files of this machine, or of whatever is mounted on it. */
export class LocalFileSystem extends DiskFileSystem {
  constructor(random: Random = systemRandom) {
    super('file', nodeDisk, random);
  }
}
