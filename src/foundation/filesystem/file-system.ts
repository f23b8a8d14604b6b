/**
 * Where checkpoints, savepoints, job graphs and file sinks live. Paths are URIs or plain paths (`/a/b`, `file:///a/b`);
 * an implementation gets them without the scheme.
 *
 * What "durable" means here: after the promise resolves, the content, its folder entry and the entries of folders that
 * were created on the way survive a power loss (I3).
 */
export interface FileSystem {
  /** `file`, `memory`, later `s3`, `hdfs`. */
  readonly scheme: string;

  /** The whole file. Errors: FILE_NOT_FOUND, FILESYSTEM. */
  read(path: string): Promise<Uint8Array>;
  /** `length` bytes from `offset`, fewer at the end of the file. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * Writes the whole file at once, durable, under its name only when complete (write to a temporary name, flush,
   * rename, flush the folder). Folders are made. With `ifAbsent` an existing file is FILE_EXISTS, decided atomically;
   * UNSUPPORTED where the storage cannot decide that.
   */
  write(
    path: string,
    content: Uint8Array | readonly Uint8Array[],
    options?: { readonly ifAbsent?: boolean },
  ): Promise<void>;
  /** Starts a file that grows. It is visible under its name from the start, durable up to the last `sync`. */
  create(path: string): Promise<OutputFile>;
  /**
   * Goes on with an existing file after cutting it to `length` bytes. Errors: FILE_NOT_FOUND, CORRUPT_DATA when it is
   * shorter than that.
   */
  append(path: string, length: number): Promise<OutputFile>;
  /**
   * Of a file: atomic, durable, replaces the target; the folder of the target is made. Errors: FILE_NOT_FOUND when the
   * source is not there.
   */
  rename(from: string, to: string): Promise<void>;
  /** Durable: the file does not come back. A missing file is no error. */
  delete(path: string): Promise<void>;
  /** A missing folder is no error. */
  deleteFolder(path: string): Promise<void>;
  /**
   * Entries of one folder, sorted by name; a missing folder is empty. Names that begin with a dot are files that are not
   * complete, or that a crash left so.
   */
  list(path: string): Promise<readonly FileEntry[]>;
  /** Names of the entries of one folder as of one moment, sorted; a missing folder is empty. Cheaper than `list`. */
  names(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<FileEntry | undefined>;
  makeFolder(path: string): Promise<void>;
}

export interface FileEntry {
  /** The last part of the path. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface OutputFile {
  readonly path: string;
  /** Bytes written so far, `append`'s length included. */
  readonly position: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Makes everything written so far durable. */
  sync(): Promise<void>;
  /** Syncs and closes. */
  close(): Promise<void>;
  /** Closes without a promise about the content. */
  abandon(): Promise<void>;
}
