import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Random } from '../../foundation/common/random.ts';
import { targetOfTemporaryName } from '../../foundation/filesystem/disk/temporary-name.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { decodeLogEntry, encodeLogEntry, type LogEntry } from './log-entry.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot-file.ts';
import type { StoreImage } from './store-state.ts';

const NUMBER_DIGITS = 20;
const SNAPSHOT_NAME = /^(\d{20})-([0-9a-f-]+)$/;
const ENTRY_NAME = /^\d{20}$/;
/** Files deleted at once; they share flushes of the folder. */
const DELETES_AT_ONCE = 64;

/**
 * The files of the store: `log/<20 digits>`, one for each entry, and `snapshots/<20 digits>-<lineage>`. Files are only ever made
 * if absent, whole and durable, and deleted; nothing is changed in place, nothing is locked.
 */
export class LogFolder {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #random: Random;
  readonly #lineage: string;

  constructor(fs: FileSystem, path: string, lineage: string, random: Random) {
    this.#fs = fs;
    this.path = path;
    this.#lineage = lineage;
    this.#random = random;
  }

  async readEntry(number: number): Promise<LogEntry | undefined> {
    const path = this.entryPath(number);
    const bytes = await this.#read(path);
    return bytes === undefined ? undefined : decodeLogEntry(bytes, path);
  }

  async hasEntry(number: number): Promise<boolean> {
    return (await this.#answer(() => this.#fs.stat(this.entryPath(number)))) !== undefined;
  }

  /** FILE_EXISTS: the number is taken. Any other error proves nothing. */
  writeEntry(number: number, entry: LogEntry): Promise<void> {
    return this.#answer(() => this.#fs.write(this.entryPath(number), encodeLogEntry(entry), { ifAbsent: true }));
  }

  /** Makes durable that there is a root: who made it may not have come to that. */
  syncRoot(): Promise<void> {
    return this.#sync('.');
  }

  /** Makes durable which snapshots there are. */
  syncSnapshots(): Promise<void> {
    return this.#sync('snapshots');
  }

  /** Makes durable which entries there are. */
  syncEntries(): Promise<void> {
    return this.#sync('log');
  }

  /**
   * Numbers of the snapshots, ascending; never empty. All entries up to the second newest may have been deleted, and their
   * numbers taken again by a writer that slept: who reads or writes an entry looks here *afterwards*, and the entry counts only if
   * its number is above that.
   */
  async snapshots(): Promise<readonly number[]> {
    const folder = `${this.path}/snapshots`;
    const names = await this.#answer(() => this.#fs.names(folder));
    const numbers: number[] = [];
    for (const name of names) {
      const match = SNAPSHOT_NAME.exec(name);
      if (match !== null && match[2] !== this.#lineage) {
        throw new MillraceError(
          'STORE_REPLACED',
          `the HA store at ${this.path} has been replaced by another one under this process (lineage ${match[2]} in place of ` +
            `${this.#lineage}); the process begins anew with that one`,
        );
      }
      if (match !== null) {
        numbers.push(Number(match[1]));
      }
    }
    if (numbers.length === 0) {
      throw new MillraceError('STORE_AWAY', `the HA store at ${this.path} is gone; check that its folder is mounted`, {
        retryable: true,
      });
    }
    return numbers;
  }

  /** `undefined`: it was replaced by newer ones meanwhile. */
  async readSnapshot(number: number): Promise<StoreImage | undefined> {
    const path = this.#snapshotPath(number);
    const bytes = await this.#read(path);
    return bytes === undefined ? undefined : decodeSnapshot(bytes, path);
  }

  async writeSnapshot(image: StoreImage): Promise<void> {
    const path = this.#snapshotPath(image.number);
    try {
      await this.#answer(() => this.#fs.write(path, encodeSnapshot(image), { ifAbsent: true }));
    } catch (error) {
      // The same number is the same content.
      if (codeOf(error) !== 'FILE_EXISTS') {
        throw error;
      }
    }
  }

  /** Deletes what the two newest snapshots make superfluous, and what crashes left of unfinished files. */
  async collect(): Promise<void> {
    const snapshots = await this.snapshots();
    const keptFrom = snapshots.at(-2) ?? 0;
    // The newest may be another process's that has not flushed it yet: without it, these entries are still needed.
    await this.syncSnapshots();
    const names = await this.#answer(() => this.#fs.names(`${this.path}/log`));
    const isOld = (name: string): boolean => ENTRY_NAME.test(name) && Number(name) <= keptFrom;
    await this.#deleteAll(
      names.filter((name) => isOld(targetOfTemporaryName(name) ?? name)),
      `${this.path}/log`,
    );
    await this.#deleteAll(
      snapshots.filter((number) => number < keptFrom).map((number) => this.#snapshotName(number)),
      `${this.path}/snapshots`,
    );
  }

  /** The highest number in the log folder, 0 when it is empty; a look at the whole folder. */
  async highestEntry(): Promise<number> {
    const names = await this.#answer(() => this.#fs.names(`${this.path}/log`));
    return names.reduce((max, name) => (ENTRY_NAME.test(name) ? Math.max(max, Number(name)) : max), 0);
  }

  entryPath(number: number): string {
    return `${this.path}/log/${digits(number)}`;
  }

  #snapshotPath(number: number): string {
    return `${this.path}/snapshots/${this.#snapshotName(number)}`;
  }

  #snapshotName(number: number): string {
    return `${digits(number)}-${this.#lineage}`;
  }

  #sync(folder: '.' | 'log' | 'snapshots'): Promise<void> {
    // Deleting flushes the folder, also where there was nothing to delete.
    return this.#answer(() => this.#fs.delete(`${this.path}/${folder}/.nothing-${this.#random.hex(12)}`));
  }

  async #deleteAll(names: readonly string[], folder: string): Promise<void> {
    for (let start = 0; start < names.length; start += DELETES_AT_ONCE) {
      const some = names.slice(start, start + DELETES_AT_ONCE);
      await this.#answer(() => Promise.all(some.map((name) => this.#fs.delete(`${folder}/${name}`))));
    }
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#answer(() => this.#fs.read(path));
    } catch (error) {
      if (codeOf(error) === 'FILE_NOT_FOUND') {
        return undefined;
      }
      throw error;
    }
  }

  /** A failure of the file system is the store being away (R5), whatever an operator has to do about it. */
  async #answer<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (codeOf(error) === 'FILESYSTEM') {
        throw new MillraceError('STORE_AWAY', `the HA store at ${this.path} does not work: ${messageOf(error)}`, {
          cause: error,
          retryable: true,
        });
      }
      throw error;
    }
  }
}

const digits = (number: number): string => String(number).padStart(NUMBER_DIGITS, '0');
