import type { Disk, DiskFile } from '../../src/foundation/filesystem/disk/disk.ts';

/** When a process dies: at its n-th change of the disk, which happens or not; nobody hears of it. */
export interface Death {
  readonly change: number;
  readonly happens: boolean;
}

/** How one process reaches the disk that all share. After its death nothing it began goes on. */
export class MortalDisk implements Disk {
  /** Changes that it asked for. */
  changes = 0;
  readonly #disk: Disk;
  readonly #die: () => void;
  #death: Death | undefined;
  #isDead = false;

  constructor(disk: Disk, die: () => void) {
    this.#disk = disk;
    this.#die = die;
  }

  /** Counts from now on. */
  dieAt(death: Death): void {
    this.changes = 0;
    this.#death = death;
  }

  /** The process ended otherwise. */
  ended(): void {
    this.#isDead = true;
  }

  open(path: string, mode: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    const open = async (): Promise<DiskFile> => this.#file(await this.#disk.open(path, mode));
    return mode === 'read' || mode === 'change' ? this.#look(open) : this.#change(open);
  }

  stat(path: string): ReturnType<Disk['stat']> {
    return this.#look(() => this.#disk.stat(path));
  }

  readFolder(path: string): Promise<readonly string[]> {
    return this.#look(() => this.#disk.readFolder(path));
  }

  makeFolder(path: string): Promise<void> {
    return this.#change(() => this.#disk.makeFolder(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change(() => this.#disk.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#change(() => this.#disk.link(from, to));
  }

  removeFile(path: string): Promise<void> {
    return this.#change(() => this.#disk.removeFile(path));
  }

  removeTree(path: string): Promise<void> {
    return this.#change(() => this.#disk.removeTree(path));
  }

  syncFolder(path: string): Promise<void> {
    return this.#look(() => this.#disk.syncFolder(path));
  }

  #file(file: DiskFile): DiskFile {
    return {
      stat: () => this.#look(() => file.stat()),
      read: (into, offset) => this.#look(() => file.read(into, offset)),
      write: (bytes, offset) => this.#change(() => file.write(bytes, offset)),
      truncate: (length) => this.#change(() => file.truncate(length)),
      sync: () => this.#look(() => file.sync()),
      close: () => this.#look(() => file.close()),
    };
  }

  async #look<T>(call: () => Promise<T>): Promise<T> {
    return this.#alive(this.#isDead ? never : call());
  }

  async #change<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isDead) {
      return never;
    }
    this.changes++;
    if (this.changes !== this.#death?.change) {
      return this.#alive(call());
    }
    this.#isDead = true;
    this.#die();
    if (this.#death.happens) {
      await call();
    }
    return never;
  }

  /** An answer that comes after the death is not heard. */
  async #alive<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      return this.#isDead ? await never : value;
    } catch (error) {
      if (this.#isDead) {
        return never;
      }
      throw error;
    }
  }
}

const never = new Promise<never>(() => {});
