import type { Random } from '../../../foundation/common/random.ts';
import type { Disk, DiskFile } from '../../../foundation/filesystem/disk/disk.ts';

interface Pending {
  readonly process: GatedProcess;
  readonly run: () => void;
}

/** A process whose calls of the disk wait at a gate. */
export interface GatedProcess {
  readonly name: string;
  /** Its calls never end: it was killed, or sleeps. */
  state: 'runs' | 'sleeps' | 'dead';
}

/**
 * Lets the calls of several processes through one at a time, in an order that the random numbers pick: each process is paused
 * before each call of the disk for as long as they like.
 */
export class DiskGate {
  readonly #random: Random;
  #pending: Pending[] = [];
  /** Of a call failing though it happened, and as often of one failing that did not. */
  faultProbability = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Lets one call through; `false` when all that runs waits for nothing. */
  async step(): Promise<boolean> {
    await turn();
    this.#pending = this.#pending.filter(({ process }) => process.state !== 'dead');
    const ready = this.#pending.filter(({ process }) => process.state === 'runs');
    const next = ready[this.#random.int(ready.length)];
    if (next === undefined) {
      return false;
    }
    this.#pending.splice(this.#pending.indexOf(next), 1);
    next.run();
    await turn();
    return true;
  }

  disk(disk: Disk, process: GatedProcess): Disk {
    const pass = <T>(call: () => Promise<T>): Promise<T> => this.#pass(process, call);
    const file = (inner: DiskFile): DiskFile => ({
      stat: () => pass(() => inner.stat()),
      read: (into, offset) => pass(() => inner.read(into, offset)),
      write: (bytes, offset) => pass(() => inner.write(bytes, offset)),
      truncate: (length) => pass(() => inner.truncate(length)),
      sync: () => pass(() => inner.sync()),
      close: () => pass(() => inner.close()),
    });
    return {
      open: (path, mode) => pass(async () => file(await disk.open(path, mode))),
      stat: (path) => pass(() => disk.stat(path)),
      readFolder: (path) => pass(() => disk.readFolder(path)),
      makeFolder: (path) => pass(() => disk.makeFolder(path)),
      rename: (from, to) => pass(() => disk.rename(from, to)),
      link: (from, to) => pass(() => disk.link(from, to)),
      removeFile: (path) => pass(() => disk.removeFile(path)),
      removeTree: (path) => pass(() => disk.removeTree(path)),
      syncFolder: (path) => pass(() => disk.syncFolder(path)),
    };
  }

  #pass<T>(process: GatedProcess, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        const fault = this.#random.next();
        if (fault < this.faultProbability) {
          reject(ioError());
        } else if (fault < 2 * this.faultProbability) {
          void call().then(
            () => reject(ioError()),
            () => reject(ioError()),
          );
        } else {
          void call().then(resolve, reject);
        }
      };
      this.#pending.push({ process, run });
    });
  }
}

/** Everything that was set off runs until it waits at the gate. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const ioError = (): Error => Object.assign(new Error('EIO'), { code: 'EIO' });
