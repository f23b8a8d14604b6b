import { basename, dirname, join, resolve } from 'node:path/posix';
import { assert } from '../../common/assert.ts';
import { codeOf, MillraceError } from '../../common/errors.ts';
import type { Random } from '../../common/random.ts';
import type { FileEntry, FileSystem, OutputFile } from '../file-system.ts';
import { diskError, isMissing, linkError } from './disk-error.ts';
import type { Disk, DiskFile } from './disk.ts';
import { DiskOutputFile } from './disk-output-file.ts';
import { DurableFolders } from './durable-folders.ts';
import { temporaryName } from './temporary-name.ts';

/** How many entries of a folder are asked for at once. */
const STATS_AT_ONCE = 64;

/** The file system contract over the calls of an operating system. */
export class DiskFileSystem implements FileSystem {
  readonly scheme: string;
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #folders: DurableFolders;

  constructor(scheme: string, disk: Disk, random: Random) {
    this.scheme = scheme;
    this.#disk = disk;
    this.#random = random;
    this.#folders = new DurableFolders(disk);
  }

  async read(path: string): Promise<Uint8Array> {
    return this.#reading(path, async (file) => {
      const entry = await file.stat();
      if (entry.isFolder) {
        throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
      }
      return readUpTo(file, 0, entry.sizeBytes);
    });
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    assert(offset >= 0 && length >= 0, `the range ${offset}+${length} of ${path} is negative`);
    return this.#reading(path, async (file) => {
      const { sizeBytes } = await file.stat();
      return readUpTo(file, offset, Math.max(0, Math.min(length, sizeBytes - offset)));
    });
  }

  async write(
    path: string,
    content: Uint8Array | readonly Uint8Array[],
    options: { readonly ifAbsent?: boolean } = {},
  ): Promise<void> {
    const target = resolve(path);
    const folder = dirname(target);
    const temporary = join(folder, temporaryName(basename(target), this.#random));
    try {
      await this.#writeTemporary(temporary, content instanceof Uint8Array ? [content] : content);
      if (options.ifAbsent === true) {
        await this.#linkTo(temporary, target);
        await this.#disk.removeFile(temporary);
      } else {
        await this.#disk.rename(temporary, target);
      }
      await this.#folders.sync(folder);
    } catch (error) {
      await this.#disk.removeFile(temporary).catch(() => undefined);
      throw diskError(error, 'write to', path);
    }
  }

  async create(path: string): Promise<OutputFile> {
    const target = resolve(path);
    try {
      const file = await this.#openIn(target, 'create');
      return new DiskOutputFile(target, file, 0, () => this.#folders.sync(dirname(target)));
    } catch (error) {
      throw diskError(error, 'write to', path);
    }
  }

  async append(path: string, length: number): Promise<OutputFile> {
    const target = resolve(path);
    try {
      const file = await this.#disk.open(target, 'change');
      try {
        await cut(file, length, path);
      } catch (error) {
        await file.close().catch(() => undefined);
        throw error;
      }
      return new DiskOutputFile(target, file, length, () => this.#folders.sync(dirname(target)));
    } catch (error) {
      throw diskError(error, 'append to', path);
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const source = resolve(from);
    const target = resolve(to);
    try {
      await this.#folders.make(dirname(target));
      await this.#disk.rename(source, target);
      await this.#folders.sync(dirname(target));
      if (dirname(source) !== dirname(target)) {
        await this.#folders.sync(dirname(source));
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        // Perhaps a killed process renamed it already; who repeats its work relies on that being durable.
        await this.#folders.sync(dirname(target)).catch(() => undefined);
      }
      throw diskError(error, 'rename', `${from} to ${to}`);
    }
  }

  async delete(path: string): Promise<void> {
    const target = resolve(path);
    try {
      await this.#disk.removeFile(target);
    } catch (error) {
      if (!isMissing(error)) {
        throw diskError(await this.#folderInstead(error, target), 'delete', path);
      }
    }
    try {
      // Also when it was gone already: whoever removed it may not have lived to flush that.
      await this.#folders.sync(dirname(target));
    } catch (error) {
      if (!isMissing(error)) {
        throw diskError(error, 'delete', path);
      }
    }
  }

  async deleteFolder(path: string): Promise<void> {
    const target = resolve(path);
    const parent = dirname(target);
    assert(target !== parent, 'the root folder is never deleted');
    this.#folders.forget(target);
    try {
      const entry = await this.#disk.stat(target);
      if (!entry.isFolder) {
        throw Object.assign(new Error('a file'), { code: 'ENOTDIR' });
      }
      await this.#disk.removeTree(target);
      await this.#folders.sync(parent);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        throw diskError(error, 'delete the folder', path);
      }
    } finally {
      this.#folders.forget(target);
    }
  }

  async list(path: string): Promise<readonly FileEntry[]> {
    const folder = resolve(path);
    try {
      const names = await this.names(folder);
      const entries: FileEntry[] = [];
      for (let start = 0; start < names.length; start += STATS_AT_ONCE) {
        const some = names.slice(start, start + STATS_AT_ONCE);
        for (const entry of await Promise.all(some.map((name) => this.#entry(join(folder, name), name)))) {
          if (entry !== undefined) {
            entries.push(entry);
          }
        }
      }
      return entries;
    } catch (error) {
      throw diskError(error, 'list', path);
    }
  }

  async names(path: string): Promise<readonly string[]> {
    try {
      return [...(await this.#disk.readFolder(resolve(path)))].sort(byCodeUnits);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        return [];
      }
      throw diskError(error, 'list', path);
    }
  }

  async stat(path: string): Promise<FileEntry | undefined> {
    const target = resolve(path);
    try {
      return await this.#entry(target, basename(target));
    } catch (error) {
      throw diskError(error, 'look at', path);
    }
  }

  async makeFolder(path: string): Promise<void> {
    try {
      await this.#folders.make(resolve(path));
    } catch (error) {
      throw diskError(error, 'make the folder', path);
    }
  }

  async #linkTo(temporary: string, target: string): Promise<void> {
    try {
      await this.#disk.link(temporary, target);
    } catch (error) {
      throw linkError(error, target);
    }
  }

  async #entry(path: string, name: string): Promise<FileEntry | undefined> {
    try {
      const { isFolder, sizeBytes, modifiedMs } = await this.#disk.stat(path);
      return { name, isFolder, sizeBytes, modifiedMs };
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async #reading(path: string, use: (file: DiskFile) => Promise<Uint8Array>): Promise<Uint8Array> {
    try {
      const file = await this.#disk.open(resolve(path), 'read');
      try {
        return await use(file);
      } finally {
        await file.close().catch(() => undefined);
      }
    } catch (error) {
      throw diskError(error, 'read', path);
    }
  }

  async #writeTemporary(path: string, parts: readonly Uint8Array[]): Promise<void> {
    const file = await this.#openIn(path, 'create-new');
    try {
      let offset = 0;
      for (const part of parts) {
        await file.write(part, offset);
        offset += part.length;
      }
      await file.sync();
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
    await file.close();
  }

  /** Opens a file in a folder that is made when it is missing, once more when it was deleted since we made it. */
  async #openIn(path: string, mode: 'create' | 'create-new'): Promise<DiskFile> {
    const folder = dirname(path);
    await this.#folders.make(folder);
    try {
      return await this.#disk.open(path, mode);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        throw error;
      }
      for (let above = folder; above !== dirname(above); above = dirname(above)) {
        this.#folders.forget(above);
      }
      await this.#folders.make(folder);
      return await this.#disk.open(path, mode);
    }
  }

  /** Systems disagree on what removing a folder as a file is called. */
  async #folderInstead(error: unknown, path: string): Promise<unknown> {
    const entry = await this.#disk.stat(path).catch(() => undefined);
    return entry?.isFolder === true ? Object.assign(new Error('a folder'), { code: 'EISDIR' }) : error;
  }
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const readUpTo = async (file: DiskFile, offset: number, length: number): Promise<Uint8Array> => {
  // Not filled with zeros: all of it is read, or cut off.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  const read = await file.read(bytes, offset);
  return read === length ? bytes : bytes.slice(0, read);
};

const cut = async (file: DiskFile, length: number, path: string): Promise<void> => {
  const { sizeBytes } = await file.stat();
  if (sizeBytes < length) {
    throw new MillraceError(
      'CORRUPT_DATA',
      `cannot append to ${path} at byte ${length}: it has only ${sizeBytes} bytes; something cut or replaced it`,
    );
  }
  if (sizeBytes > length) {
    await file.truncate(length);
  }
};
