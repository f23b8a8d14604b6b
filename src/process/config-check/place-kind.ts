import { realpathSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { PlaceKind } from '../../foundation/config/check/check-facts.ts';
import { fileSystemOf, type Location } from '../../foundation/filesystem/file-systems.ts';
import { absolutePlace } from '../local-places.ts';
import { IN_MEMORY } from '../local-state-roots.ts';

/** `f_type` of file systems that several machines can mount. */
const ON_NETWORK: ReadonlySet<number> = new Set([
  0x6969 /* nfs */, 0x517b /* smb */, 0xfe534d42 /* smb2 */, 0xff534d42 /* cifs */, 0x00c36400 /* ceph */,
  0x65735546 /* fuse */, 0x0bd00bd0 /* lustre */, 0x47504653 /* gpfs */, 0x01161970 /* gfs2 */, 0x7461636f /* ocfs2 */,
  0x19830326 /* beegfs */, 0x01021997 /* 9p */,
]);

/** Schemes of stores that Flink knows and this version may not. */
const REMOTE_SCHEMES = /^(?:hdfs|viewfs|webhdfs|s3|s3a|s3n|s3p|gs|abfss?|wasbs?|oss|cos|obs|swift|maprfs):/i;

const TEMPORARY_FOLDERS = ['/tmp', '/var/tmp', '/private/tmp', '/private/var/tmp'];

/** What kind of place a path or URI of the configuration is, as seen from this machine. */
export const placeKindOf = (place: string): PlaceKind => {
  let location: Location;
  try {
    location = fileSystemOf(absolutePlace(place));
  } catch {
    return REMOTE_SCHEMES.test(place) ? 'unsupported' : 'unreadable';
  }
  const { fs, path } = location;
  if (fs.scheme !== 'file') {
    return fs.scheme === 'memory' ? 'memory' : 'shared';
  }
  const { folder, type } = nearestFolder(path);
  if (type !== undefined && IN_MEMORY.has(type)) {
    return 'memory';
  }
  if ([path, folder].some(isTemporary)) {
    return 'temporary';
  }
  return type !== undefined && ON_NETWORK.has(type) ? 'shared' : 'local';
};

const isTemporary = (path: string): boolean =>
  [...TEMPORARY_FOLDERS, tmpdir()].some((folder) => path === folder || path.startsWith(`${folder}/`));

/** The folder itself or the nearest one above it that is there, without links, and the kind of its file system. */
const nearestFolder = (path: string): { readonly folder: string; readonly type: number | undefined } => {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      return { folder: realpathSync(folder), type: statfsSync(folder).type };
    } catch {
      if (folder === dirname(folder)) {
        return { folder, type: undefined };
      }
    }
  }
};
