import { crc32 } from 'node:zlib';
import type { Clock } from '../../../foundation/common/clock.ts';
import { codeOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Disk } from '../../../foundation/filesystem/disk/disk.ts';
import { diskError } from '../../../foundation/filesystem/disk/disk-error.ts';

export interface LocalStateDiskOptions {
  readonly disk: Disk;
  /** Folders of this process alone, on one or several devices; at least one. They may be gone. */
  readonly folders: readonly string[];
  /** The file systems of this scheme lie on `disk`, so that a file of theirs may get a second name instead of a copy. */
  readonly linkedScheme: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** After a copy failed none is tried for so long: a full disk stays usable for others. */
const PAUSE_MS = 60_000;

/**
 * Where the copies of one thread lie. Nothing here is flushed: who loses power loses the process, and then the copies are of
 * no use. A failure never concerns the checkpoint: it is logged once, and tried again later.
 */
export class LocalStateDisk {
  readonly #options: LocalStateDiskOptions;
  #links = true;
  #hasFailed = false;
  #pausedUntilMs = -Infinity;

  constructor(options: LocalStateDiskOptions) {
    this.#options = options;
  }

  /** The folder for this subtask, always the same. */
  folderOf(job: string, subtask: string): string {
    const { folders } = this.#options;
    const place = crc32(`${job}/${subtask}`) % folders.length;
    return `${folders[place]!}/${job}/${subtask}`;
  }

  /** Whether a file of the file system may get a second name here. */
  canLink(scheme: string): boolean {
    return this.#links && scheme === this.#options.linkedScheme;
  }

  /** A second name for the file `original`. Whether there is a copy now; not where a link cannot be made there. */
  link(original: string, folder: string, name: string): Promise<boolean> {
    return this.#keeping(folder, async () => {
      try {
        await this.#options.disk.link(original, `${folder}/${name}`);
        return true;
      } catch (thrown) {
        if (NO_LINK.has(codeOf(thrown))) {
          this.#links = false;
          return false;
        }
        if (codeOf(thrown) === 'EEXIST') {
          return true;
        }
        throw thrown;
      }
    });
  }

  /** Whether there is a copy now. */
  write(content: readonly Uint8Array[], folder: string, name: string): Promise<boolean> {
    const temporary = `${folder}/.${name}.tmp`;
    return this.#keeping(folder, async () => {
      const { disk } = this.#options;
      try {
        const file = await disk.open(temporary, 'create');
        try {
          let offset = 0;
          for (const part of content) {
            await file.write(part, offset);
            offset += part.length;
          }
        } finally {
          await file.close();
        }
        await disk.rename(temporary, `${folder}/${name}`);
        return true;
      } catch (thrown) {
        await disk.removeFile(temporary).catch(() => undefined);
        throw thrown;
      }
    });
  }

  /** `undefined`: no such file. Errors: FILESYSTEM. */
  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      const file = await this.#options.disk.open(path, 'read');
      try {
        const { sizeBytes } = await file.stat();
        const bytes = new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
        const read = await file.read(bytes, 0);
        return read === sizeBytes ? bytes : bytes.slice(0, read);
      } finally {
        await file.close();
      }
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') {
        return undefined;
      }
      throw diskError(thrown, 'read', path);
    }
  }

  /** Names of the files of a folder; none where it is not there. */
  async names(folder: string): Promise<readonly string[]> {
    try {
      return await this.#options.disk.readFolder(folder);
    } catch {
      return [];
    }
  }

  /** What cannot be removed now goes with the job. */
  async remove(folder: string, names: Iterable<string>): Promise<void> {
    for (const name of names) {
      await this.#options.disk.removeFile(`${folder}/${name}`).catch(() => undefined);
    }
  }

  async #keeping(folder: string, keep: () => Promise<boolean>): Promise<boolean> {
    const { clock, logger } = this.#options;
    if (clock.monotonic() < this.#pausedUntilMs) {
      return false;
    }
    try {
      const kept = await this.#inFolder(folder, keep);
      if (kept && this.#hasFailed) {
        this.#hasFailed = false;
        logger.info(`local copies of state can be written to ${folder} again`);
      }
      return kept;
    } catch (thrown) {
      this.#pausedUntilMs = clock.monotonic() + PAUSE_MS;
      if (!this.#hasFailed) {
        this.#hasFailed = true;
        const { message } = diskError(thrown, 'keep a local copy of state in', folder);
        logger.warn(`${message}; checkpoints go on without copies`);
      }
      return false;
    }
  }

  /** The folder is made when it is missing, also if somebody deleted it under way. */
  async #inFolder(folder: string, keep: () => Promise<boolean>): Promise<boolean> {
    try {
      return await keep();
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENOENT') {
        throw thrown;
      }
    }
    try {
      await this.#make(folder);
      return await keep();
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') {
        return false; // deleted again: the job, or the checkpoint, is over
      }
      throw thrown;
    }
  }

  async #make(folder: string): Promise<void> {
    const { disk } = this.#options;
    try {
      await disk.makeFolder(folder);
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT' && folder.includes('/', 1)) {
        await this.#make(folder.slice(0, folder.lastIndexOf('/')));
        await this.#make(folder);
      } else if (codeOf(thrown) !== 'EEXIST') {
        throw thrown;
      }
    }
  }
}

/** Another device, or a file system without links. */
const NO_LINK = new Set<string | undefined>(['EXDEV', 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);
