import { dirname } from 'node:path/posix';
import { codeOf } from '../../common/errors.ts';
import { isMissing } from './disk-error.ts';
import type { Disk } from './disk.ts';

/** Folders remembered as durable; above it the oldest are forgotten, which costs a flush when they are used again. */
const REMEMBERED_FOLDERS_MAX = 4096;

/**
 * Makes folders and flushes entries. Calls that come while a flush of the same folder runs share the next one, so that a
 * hundred files written at once cost a few flushes.
 */
export class DurableFolders {
  readonly #disk: Disk;
  /** Folders whose own entry and those of all above are known to be durable. */
  readonly #durable = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();
  readonly #syncs = new Map<string, FolderSync>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * The folder is there afterwards, and a power loss leaves it there. An entry that exists is flushed too, once: who made
   * it may not have come to that yet.
   */
  make(folder: string): Promise<void> {
    if (this.#durable.has(folder)) {
      return Promise.resolve();
    }
    const running = this.#making.get(folder);
    if (running !== undefined) {
      return running;
    }
    const making = this.#make(folder).finally(() => this.#making.delete(folder));
    this.#making.set(folder, making);
    return making;
  }

  /** Entries of `folder` that were made before this call are durable afterwards. */
  sync(folder: string): Promise<void> {
    const running = this.#syncs.get(folder);
    if (running === undefined) {
      const first: FolderSync = { running: this.#runSync(folder), next: undefined };
      this.#syncs.set(folder, first);
      return first.running;
    }
    running.next ??= running.running.then(
      () => this.#runSync(folder),
      () => this.#runSync(folder),
    );
    return running.next;
  }

  /** The folder and what is in it may be gone. */
  forget(folder: string): void {
    for (const known of this.#durable) {
      if (known === folder || known.startsWith(`${folder}/`)) {
        this.#durable.delete(known);
      }
    }
  }

  async #make(folder: string): Promise<void> {
    const parent = dirname(folder);
    if (parent === folder) {
      return;
    }
    await this.make(parent);
    const made = await this.#makeOne(folder);
    try {
      await this.sync(parent);
    } catch (error) {
      // An entry above that is older than us and may not be read (another user's folder) is not ours to flush.
      if (made || !notOurs.has(codeOf(error))) {
        throw error;
      }
    }
    this.#remember(folder);
  }

  async #makeOne(folder: string): Promise<boolean> {
    try {
      await this.#disk.makeFolder(folder);
      return true;
    } catch (error) {
      // Some systems check whether they may write before they look whether the folder is there.
      const entry = await this.#disk.stat(folder).catch((thrown: unknown) => {
        // It is there, and then the disk went away: that may pass (R5), a name that is taken would not.
        if (codeOf(error) === 'EEXIST' && !isMissing(thrown)) {
          throw thrown;
        }
        return undefined;
      });
      if (entry?.isFolder !== true) {
        throw entry === undefined
          ? error
          : Object.assign(new Error('not a folder', { cause: error }), { code: 'ENOTDIR' });
      }
      return false;
    }
  }

  #remember(folder: string): void {
    this.#durable.add(folder);
    if (this.#durable.size > REMEMBERED_FOLDERS_MAX) {
      const oldest = this.#durable.values().next();
      if (oldest.done === false) {
        this.#durable.delete(oldest.value);
      }
    }
  }

  async #runSync(folder: string): Promise<void> {
    try {
      await this.#disk.syncFolder(folder);
    } finally {
      const state = this.#syncs.get(folder);
      if (state?.next === undefined) {
        this.#syncs.delete(folder);
      } else {
        this.#syncs.set(folder, { running: state.next, next: undefined });
      }
    }
  }
}

const notOurs = new Set<string | undefined>(['EACCES', 'EPERM', 'EROFS']);

interface FolderSync {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}
