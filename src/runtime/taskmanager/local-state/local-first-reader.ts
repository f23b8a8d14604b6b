import { SHARED_NAME } from '../../checkpoint/checkpoint-layout.ts';
import type { StateReader } from '../../state/state-handle.ts';
import type { SubtaskCopies } from './subtask-copies.ts';

/** Bytes of state files that a restore read; what travels in the metadata is in neither. */
export interface RestoredBytes {
  readonly local: number;
  readonly storage: number;
}

export interface CountingReader extends StateReader {
  readonly restored: RestoredBytes;
}

/** Where the files lie that the handles of one base folder name. */
export interface StateStorage {
  readonly reader: StateReader;
  readonly scheme: string;
  readonly folder: string;
}

/**
 * Reads files whose copies are on this machine from there, all others from the storage. Of those that the next increment
 * builds on it keeps a copy, for the next time. `readsLocal` false: `execution.state-recovery.from-local` forbids the first.
 */
export const createLocalFirstReader = (
  { reader, scheme, folder }: StateStorage,
  copies: SubtaskCopies | undefined,
  readsLocal: boolean,
): CountingReader => {
  let local = 0;
  let storage = 0;
  /** One at a time: each holds the content of a file. */
  let keeping: Promise<void> = Promise.resolve();
  return {
    get restored() {
      return { local, storage };
    },
    async read(handle) {
      if (handle.kind === 'inline') {
        return reader.read(handle);
      }
      const copy = readsLocal ? await copies?.read(handle) : undefined;
      if (copy !== undefined) {
        local += copy.length;
        return copy;
      }
      const bytes = await reader.read(handle);
      storage += bytes.length;
      if (copies !== undefined && handle.path.startsWith(`${SHARED_NAME}/`)) {
        await keeping;
        const stored = { scheme, path: `${folder}/${handle.path}`, written: Promise.resolve() };
        keeping = copies.keep(handle, [bytes], stored);
      }
      return bytes;
    },
  };
};
