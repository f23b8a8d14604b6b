import type { Watcher } from '../../coordination/zookeeper/client/zookeeper-client.ts';

/** What reads wait for: of the node itself (`get`, `exists`), or of its children. All of one kind at a path end with one event. */
export type ReadWatchKind = 'node' | 'children';

export interface ReadWatch {
  readonly number: number;
  readonly watcher: Watcher;
  readonly key: string;
  /** Reads that are not answered. */
  reading: number;
  /** It waits for an event. */
  isArmed: boolean;
  /** Events that belong to reads whose answers are still to come. */
  spent: number;
}

/**
 * Numbers for the watchers of reads. The same function has one number for a path and kind, so that it waits once, as it does without a
 * thread between; a number ends when nothing can call it any more. An event may come before the answer of the read that set the watch.
 */
export class ReadWatches {
  readonly #newNumber: () => number;
  readonly #ended: (number: number) => void;
  readonly #byNumber = new Map<number, ReadWatch>();
  readonly #byWatcher = new Map<Watcher, Map<string, ReadWatch>>();

  constructor(newNumber: () => number, ended: (number: number) => void) {
    this.#newNumber = newNumber;
    this.#ended = ended;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** A read that watches is asked. */
  begin(watcher: Watcher, kind: ReadWatchKind, path: string): ReadWatch {
    const key = `${kind} ${path}`;
    let ofWatcher = this.#byWatcher.get(watcher);
    if (ofWatcher === undefined) {
      ofWatcher = new Map();
      this.#byWatcher.set(watcher, ofWatcher);
    }
    let watch = ofWatcher.get(key);
    if (watch === undefined) {
      watch = { number: this.#newNumber(), watcher, key, reading: 0, isArmed: false, spent: 0 };
      ofWatcher.set(key, watch);
      this.#byNumber.set(watch.number, watch);
    }
    watch.reading++;
    return watch;
  }

  /** The read was answered, or failed. */
  settled(watch: ReadWatch, isOk: boolean): void {
    watch.reading--;
    if (isOk && watch.spent > 0) {
      watch.spent--;
    } else if (isOk) {
      watch.isArmed = true;
    }
    this.#endIdle(watch);
  }

  /** Those who hear of an event, each once. */
  take(numbers: readonly number[]): ReadonlySet<Watcher> {
    const watchers = new Set<Watcher>();
    for (const number of numbers) {
      const watch = this.#byNumber.get(number);
      if (watch !== undefined) {
        watchers.add(watch.watcher);
        if (watch.isArmed) {
          watch.isArmed = false;
        } else {
          watch.spent++;
        }
        this.#endIdle(watch);
      }
    }
    return watchers;
  }

  clear(): void {
    this.#byNumber.clear();
    this.#byWatcher.clear();
  }

  #endIdle({ number, watcher, key, reading, isArmed }: ReadWatch): void {
    if (reading > 0 || isArmed || !this.#byNumber.delete(number)) {
      return;
    }
    const ofWatcher = this.#byWatcher.get(watcher);
    ofWatcher?.delete(key);
    if (ofWatcher?.size === 0) {
      this.#byWatcher.delete(watcher);
    }
    this.#ended(number);
  }
}
