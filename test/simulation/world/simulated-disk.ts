import type { Disk, DiskFile } from '../../../src/foundation/filesystem/disk/disk.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A change of the disk that has been asked for and not carried out. */
export interface DiskChange {
  readonly process: string;
  readonly call: 'open' | 'makeFolder' | 'rename' | 'link' | 'removeFile' | 'removeTree' | 'write' | 'truncate';
  readonly path: string;
}

/** How the disk behaves for one process, or for all of them. */
export interface DiskWeather {
  /** Before a change takes effect. */
  delayMs(random: Random): number;
  /** The error of a call, if it has one: EIO, ENOSPC, ESTALE, ... */
  failure(path: string, isChange: boolean, random: Random): Error | undefined;
}

export interface SimulatedDiskOptions {
  readonly disk: Disk;
  readonly process: SimulatedProcess;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly weather: DiskWeather;
  /** A change has taken effect. */
  readonly changed: (change: DiskChange) => void;
}

/**
 * How one process reaches the disk that all share: changes take a while and take effect at once, in between others have theirs. What
 * was asked for takes effect although the process is paused, and although it has died, or not; it hears of it only while it runs.
 */
export class SimulatedDisk implements Disk {
  readonly #options: SimulatedDiskOptions;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  open(path: string, mode: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    const open = async (): Promise<DiskFile> => this.#file(path, await this.#options.disk.open(path, mode));
    return mode === 'read' || mode === 'change' ? this.#look(path, open) : this.#change('open', path, open);
  }

  stat(path: string): ReturnType<Disk['stat']> {
    return this.#look(path, () => this.#options.disk.stat(path));
  }

  readFolder(path: string): Promise<readonly string[]> {
    return this.#look(path, () => this.#options.disk.readFolder(path));
  }

  makeFolder(path: string): Promise<void> {
    return this.#change('makeFolder', path, () => this.#options.disk.makeFolder(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change('rename', to, () => this.#options.disk.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#change('link', to, () => this.#options.disk.link(from, to));
  }

  removeFile(path: string): Promise<void> {
    if (path.includes(NO_FILE)) {
      // The store flushes a folder so: nothing changes.
      return this.#look(path, () => this.#options.disk.removeFile(path));
    }
    return this.#change('removeFile', path, () => this.#options.disk.removeFile(path));
  }

  removeTree(path: string): Promise<void> {
    return this.#change('removeTree', path, () => this.#options.disk.removeTree(path));
  }

  syncFolder(path: string): Promise<void> {
    return this.#look(path, () => this.#options.disk.syncFolder(path));
  }

  #file(path: string, file: DiskFile): DiskFile {
    return {
      stat: () => this.#look(path, () => file.stat()),
      read: (into, offset) => this.#look(path, () => file.read(into, offset)),
      write: (bytes, offset) => this.#change('write', path, () => file.write(bytes, offset)),
      truncate: (length) => this.#change('truncate', path, () => file.truncate(length)),
      sync: () => this.#look(path, () => file.sync()),
      close: () => this.#look(path, () => file.close()),
    };
  }

  async #look<T>(path: string, call: () => Promise<T>): Promise<T> {
    const { process, weather, random } = this.#options;
    const failure = process.isDead ? undefined : weather.failure(path, false, random);
    return process.hear(failure === undefined ? call() : Promise.reject(failure));
  }

  #change<T>(call: DiskChange['call'], path: string, carryOut: () => Promise<T>): Promise<T> {
    const { process, weather, random, time, changed } = this.#options;
    if (process.isDead) {
      return never;
    }
    const change: DiskChange = { process: process.host, call, path };
    const failure = weather.failure(path, true, random);
    const effect = new Promise<T>((resolve, reject) => {
      time.after(weather.delayMs(random), () => {
        if (failure !== undefined) {
          // An error of a call whose answer got lost: it may have happened.
          const happens = random.int(4) === 0 ? carryOut().then(() => changed(change)) : Promise.resolve();
          happens.catch(() => {}).finally(() => reject(failure));
        } else if (!process.isDead || random.int(2) === 0) {
          carryOut().then((value) => {
            changed(change);
            resolve(value);
          }, reject);
        }
      });
    });
    return process.hear(effect);
  }
}

/** Beginning of names that no file has. */
const NO_FILE = '/.nothing-';

const never = new Promise<never>(() => {});
