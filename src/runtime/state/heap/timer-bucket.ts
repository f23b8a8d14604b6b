import type { MapEntry } from './entry.ts';

/** The timers of one time, in the order of registration; mostly one, so a `Map` only for more. */
export class TimerBucket {
  readonly timeMs: number;
  /** Where it stands in the heap. */
  heapIndex = -1;
  #only: MapEntry | undefined;
  #onlyName: unknown;
  #map: Map<unknown, MapEntry> | undefined;
  /** Kept from one `takeFirst` to the next: a new iterator would pass every place that was emptied. */
  #cursor: MapIterator<MapEntry> | undefined;

  constructor(timeMs: number) {
    this.timeMs = timeMs;
  }

  get size(): number {
    return this.#map?.size ?? (this.#only === undefined ? 0 : 1);
  }

  /** The entry, when there is no second one. */
  get only(): MapEntry | undefined {
    return this.#only;
  }

  has(name: unknown): boolean {
    // `Object.is` because NaN is a key like any other; a name is never -0.
    return this.#map === undefined ? this.#only !== undefined && Object.is(this.#onlyName, name) : this.#map.has(name);
  }

  /** `name` stands for the key of the entry; it is not there yet. */
  add(name: unknown, entry: MapEntry): void {
    if (this.#map !== undefined) {
      this.#map.set(name, entry);
    } else if (this.#only === undefined) {
      this.#only = entry;
      this.#onlyName = name;
    } else {
      this.#map = new Map([
        [this.#onlyName, this.#only],
        [name, entry],
      ]);
      this.#only = undefined;
      this.#onlyName = undefined;
    }
  }

  remove(name: unknown): MapEntry | undefined {
    if (!this.has(name)) {
      return undefined;
    }
    const entry = this.#map === undefined ? this.#only : this.#map.get(name);
    this.#map?.delete(name);
    this.#only = undefined;
    return entry;
  }

  /** Takes out the entry that was registered first. */
  takeFirst(nameOf: (entry: MapEntry) => unknown): MapEntry | undefined {
    let entry = this.#only;
    if (this.#map !== undefined) {
      this.#cursor ??= this.#map.values();
      entry = this.#cursor.next().value;
      if (entry !== undefined) {
        this.#map.delete(nameOf(entry));
      }
    }
    this.#only = undefined;
    return entry;
  }

  entries(): IterableIterator<MapEntry> {
    return this.#map?.values() ?? (this.#only === undefined ? [] : [this.#only]).values();
  }

  /** Puts restored entries into the order of registration. */
  sort(): void {
    if (this.#map !== undefined) {
      const sorted = [...this.#map].sort(([, a], [, b]) => (a.value as number) - (b.value as number));
      this.#map = new Map(sorted);
      this.#cursor = undefined;
    }
  }
}
