import type { FileStateHandle } from '../state/state-handle.ts';

/** A file of state in the storage of a checkpoint. */
export interface StoredFile {
  /** Of the file system that it is in: where that is a disk of this machine, a copy can be a link. */
  readonly scheme: string;
  readonly path: string;
  /** Settles when the storage has it, or has not. */
  readonly written: Promise<unknown>;
}

/**
 * Second copies of state files near the task, so that a restore reads nothing from a storage that is far away or busy. They
 * are a convenience: whatever fails here fails no checkpoint and no restore, and nothing rejects.
 */
export interface StateCopies {
  /** Makes a copy while the storage takes the file, or a link once it has. */
  keep(file: FileStateHandle, content: readonly Uint8Array[], stored: StoredFile): Promise<void>;
  /** The files will be part of no checkpoint. */
  discard(files: readonly FileStateHandle[]): Promise<void>;
}
