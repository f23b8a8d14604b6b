import type { Disk, DiskFile } from '../disk/disk.ts';

export interface DiskCall {
  readonly name: keyof Disk | keyof DiskFile;
  readonly path: string;
}

/** `skip` leaves the call out as if it had succeeded, which is what a disk that lies about a flush does. */
export type DiskTap = (call: DiskCall) => 'skip' | void;

/** `disk`, with `tap` asked before each call. */
export const tappedDisk = (disk: Disk, tap: DiskTap): Disk => {
  const run = async (name: DiskCall['name'], path: string, call: () => Promise<void>): Promise<void> => {
    if (tap({ name, path }) !== 'skip') {
      await call();
    }
  };
  const get = async <T>(name: DiskCall['name'], path: string, call: () => Promise<T>): Promise<T> => {
    tap({ name, path });
    return call();
  };
  const tappedFile = (file: DiskFile, path: string): DiskFile => ({
    stat: () => get('stat', path, () => file.stat()),
    read: (into, offset) => get('read', path, () => file.read(into, offset)),
    write: (bytes, offset) => run('write', path, () => file.write(bytes, offset)),
    truncate: (length) => run('truncate', path, () => file.truncate(length)),
    sync: () => run('sync', path, () => file.sync()),
    close: () => run('close', path, () => file.close()),
  });
  return {
    open: (path, mode) => get('open', path, async () => tappedFile(await disk.open(path, mode), path)),
    stat: (path) => get('stat', path, () => disk.stat(path)),
    readFolder: (path) => get('readFolder', path, () => disk.readFolder(path)),
    makeFolder: (path) => run('makeFolder', path, () => disk.makeFolder(path)),
    rename: (from, to) => run('rename', to, () => disk.rename(from, to)),
    link: (from, to) => run('link', to, () => disk.link(from, to)),
    removeFile: (path) => run('removeFile', path, () => disk.removeFile(path)),
    removeTree: (path) => run('removeTree', path, () => disk.removeTree(path)),
    syncFolder: (path) => run('syncFolder', path, () => disk.syncFolder(path)),
  };
};
