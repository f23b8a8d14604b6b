import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';
import type { StoreEvents } from './store-of-world.ts';

const COUNTER = /^jobs\/([0-9a-f]{32})\/checkpoint_id_counter$/;
const GRAPH = /^execution-plans\//;
const POINTER = /^jobs\/([0-9a-f]{32})\/checkpoints\/(\d{19})$/;

/** The records of a store, whichever it is: which files they name, and what they have ever said of jobs and checkpoints. */
export class ShadowedRecords {
  readonly #disk: Disk;
  readonly #events: StoreEvents;
  readonly #values = new Map<string, string>();
  readonly #everPointedTo = new Map<string, Set<number>>();
  readonly #lastIds = new Map<string, number>();
  /** Of the values of records: what files they name. */
  readonly #files = new Map<string, readonly string[]>();

  constructor(disk: Disk, events: StoreEvents) {
    this.#disk = disk;
    this.#events = events;
  }

  /** Ids of the checkpoints that the store points to, ascending. */
  pointedTo(job: string): readonly number[] {
    return [...this.#values.keys()]
      .flatMap((key) => {
        const match = POINTER.exec(key);
        return match?.[1] === job ? [Number(match[2])] : [];
      })
      .sort((one, other) => one - other);
  }

  /** A file that the store points to, of a checkpoint, a job graph or a bundle, if it is this path or below it. */
  pointerInto(path: string): string | undefined {
    for (const [key, value] of this.#values) {
      const file = this.#filesOf(key, value).find((one) => one === path || one.startsWith(`${path}/`));
      if (file !== undefined) {
        return file;
      }
    }
    return undefined;
  }

  wasPointedTo(job: string, id: number): boolean {
    return this.#everPointedTo.get(job)?.has(id) === true;
  }

  /** The highest checkpoint id that the store has ever given out. */
  lastId(job: string): number {
    return this.#lastIds.get(job) ?? 0;
  }

  /** `undefined`: it is deleted. `isHistory`: nothing of it is news to anybody, nor has to be true of the disk any more. */
  change(key: string, value: string | undefined, isHistory = false): void {
    const [, job, id] = POINTER.exec(key) ?? [];
    if (value === undefined) {
      this.#values.delete(key);
      if (job !== undefined && !isHistory) {
        this.#events.unpointed();
      }
      return;
    }
    this.#values.set(key, value);
    const counted = COUNTER.exec(key)?.[1];
    if (counted !== undefined) {
      this.#counted(counted, (JSON.parse(value) as { last: number }).last);
    }
    if (job !== undefined) {
      const ever = this.#everPointedTo.get(job) ?? new Set();
      this.#everPointedTo.set(job, ever.add(Number(id)));
      const file = fileOf(value);
      if (!isHistory) {
        this.#disk.stat(file).catch(() => this.#events.dangling(file));
      }
    }
  }

  #counted(job: string, last: number): void {
    const before = this.lastId(job);
    if (last < before) {
      this.#events.idsGoBack(`the checkpoint ids of job ${job} go back from ${before} to ${last}`);
    }
    this.#lastIds.set(job, Math.max(last, before));
  }

  /** Without a word: nothing of it has ever been. */
  forget(): void {
    this.#values.clear();
    this.#everPointedTo.clear();
    this.#lastIds.clear();
  }

  #filesOf(key: string, value: string): readonly string[] {
    const known = this.#files.get(value);
    if (known !== undefined) {
      return known;
    }
    const files = POINTER.test(key) ? [fileOf(value)] : GRAPH.test(key) ? filesOfGraph(value) : [];
    this.#files.set(value, files);
    return files;
  }
}

const fileOf = (pointer: string): string =>
  (JSON.parse(pointer) as { metadataPath: string }).metadataPath.replace(/^memory:\/\//, '');

const filesOfGraph = (pointer: string): readonly string[] => {
  const { graphPath, bundlePaths } = JSON.parse(pointer) as { graphPath: string; bundlePaths: readonly string[] };
  return [graphPath, ...bundlePaths].map((path) => path.replace(/^memory:\/\//, ''));
};
