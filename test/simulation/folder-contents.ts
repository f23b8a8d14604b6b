import type { DiskFileSystem } from '../../src/foundation/filesystem/disk/disk-file-system.ts';

/** Folders with all files below them. */
export interface FolderContents {
  readonly folders: readonly string[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What is deleted meanwhile is left out. */
export const folderContents = async (fs: DiskFileSystem, folders: readonly string[]): Promise<FolderContents> => {
  const files = new Map<string, Uint8Array>();
  const read = async (path: string): Promise<void> => {
    if ((await fs.stat(path))?.isFolder === true) {
      for (const name of await fs.names(path)) {
        await read(`${path}/${name}`);
      }
    } else {
      files.set(path, await fs.read(path));
    }
  };
  for (const folder of folders) {
    await read(folder);
  }
  return { folders, files };
};

export const putBack = async (fs: DiskFileSystem, { folders, files }: FolderContents): Promise<void> => {
  for (const folder of folders) {
    await fs.deleteFolder(folder);
  }
  for (const [path, content] of files) {
    await fs.write(path, content);
  }
};
