/**
 * The calls of an operating system that a file system is built from, so that the order of writes, flushes and renames is
 * one piece of code (`DiskFileSystem`) that runs on a real disk and on one that loses power in a test. Errors carry the
 * codes of the operating system (ENOENT, EEXIST, ...). Nothing is durable before it is synced.
 */
export interface Disk {
  open(path: string, mode: DiskOpenMode): Promise<DiskFile>;
  stat(path: string): Promise<DiskEntry>;
  /** Names in no particular order. */
  readFolder(path: string): Promise<readonly string[]>;
  /** One folder, whose parent is there. */
  makeFolder(path: string): Promise<void>;
  /** Replaces a file that has the name `to`. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; EEXIST when the name is taken. */
  link(from: string, to: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** A folder and everything in it. */
  removeTree(path: string): Promise<void>;
  /** Makes the entries of a folder durable, not the content of its files. */
  syncFolder(path: string): Promise<void>;
}

/** `create` empties a file that is there, `create-new` fails on one, `change` needs one. */
export type DiskOpenMode = 'read' | 'create' | 'create-new' | 'change';

export interface DiskEntry {
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface DiskFile {
  stat(): Promise<DiskEntry>;
  /** Fills `into` from `offset` of the file; fewer bytes only at the end of the file. */
  read(into: Uint8Array, offset: number): Promise<number>;
  /** All of `bytes`. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}
