import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { codeOf } from '../../common/errors.ts';
import type { Disk, DiskEntry, DiskFile, DiskOpenMode } from '../disk/disk.ts';

/** The kernel takes no more than 2 GiB in one call. */
const BYTES_AT_ONCE = 512 * 1024 * 1024;

const flags: Readonly<Record<DiskOpenMode, string>> = { read: 'r', create: 'w', 'create-new': 'wx', change: 'r+' };

/** The disk of this machine. */
export const nodeDisk: Disk = {
  open: async (path, mode) => new NodeDiskFile(await open(path, flags[mode])),
  stat: async (path) => entryOf(await stat(path)),
  readFolder: (path) => readdir(path),
  makeFolder: async (path) => {
    await mkdir(path);
  },
  rename,
  link,
  removeFile: unlink,
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  syncFolder: async (path) => {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } catch (error) {
      // Some file systems (FUSE, network shares) cannot flush a folder; they write entries through.
      if (!cannotSyncFolders.has(codeOf(error))) {
        throw error;
      }
    } finally {
      await folder.close();
    }
  },
};

/** The same disk; the folders that are made there are for this user alone. */
export const privateDisk: Disk = {
  ...nodeDisk,
  makeFolder: async (path) => {
    await mkdir(path, { mode: 0o700 });
  },
};

const cannotSyncFolders = new Set<string | undefined>(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

const entryOf = (stats: { isDirectory(): boolean; size: number; mtimeMs: number }): DiskEntry => ({
  isFolder: stats.isDirectory(),
  sizeBytes: stats.size,
  modifiedMs: stats.mtimeMs,
});

class NodeDiskFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async stat(): Promise<DiskEntry> {
    return entryOf(await this.#handle.stat());
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const wanted = Math.min(BYTES_AT_ONCE, into.length - done);
      const { bytesRead } = await this.#handle.read(into, done, wanted, offset + done);
      if (bytesRead === 0) {
        break;
      }
      done += bytesRead;
    }
    return done;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const wanted = Math.min(BYTES_AT_ONCE, bytes.length - done);
      done += (await this.#handle.write(bytes, done, wanted, offset + done)).bytesWritten;
    }
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
