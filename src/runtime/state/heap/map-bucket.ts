import type { Key } from '../keyed-state.ts';
import type { MapEntry } from './entry.ts';
import { mapKeyOf } from './map-key.ts';

/** A chain of more entries is searched longer than a `Map`, which takes some 200 bytes even for one. */
const LONGEST_CHAIN = 8;

/** The map keys of one key, in the order of insertion: mostly few, so a chain before it becomes a `Map`. */
export class MapBucket {
  readonly key: Key;
  /** Only primitives that equal themselves; anything else makes it a map. */
  #chain: MapEntry | undefined;
  #map: Map<unknown, MapEntry> | undefined;
  #size = 0;

  constructor(key: Key) {
    this.key = key;
  }

  get size(): number {
    return this.#size;
  }

  /** The entries, when they are no chain. */
  get map(): ReadonlyMap<unknown, MapEntry> | undefined {
    return this.#map;
  }

  /** Copies a chain to the beginning of `target` and returns its length. */
  copyChain(target: MapEntry[]): number {
    let length = 0;
    for (let entry = this.#chain; entry !== undefined; entry = entry.next) {
      target[length++] = entry;
    }
    return length;
  }

  find(mapKey: unknown): MapEntry | undefined {
    if (this.#map !== undefined) {
      return this.#map.get(mapKeyOf(mapKey));
    }
    let entry = this.#chain;
    while (entry !== undefined && entry.mapKey !== mapKey) {
      entry = entry.next;
    }
    return entry;
  }

  /** `entry` is new here. */
  add(entry: MapEntry): void {
    if (this.#map === undefined && (this.#size === LONGEST_CHAIN || !isPlain(entry.mapKey))) {
      this.#map = new Map(this.#chained().map((chained) => [mapKeyOf(chained.mapKey), chained]));
      this.#chain = undefined;
    }
    this.#size++;
    if (this.#map !== undefined) {
      this.#map.set(mapKeyOf(entry.mapKey), entry);
    } else if (this.#chain === undefined) {
      this.#chain = entry;
    } else {
      let last = this.#chain;
      while (last.next !== undefined) {
        last = last.next;
      }
      last.next = entry;
    }
  }

  /** Takes the entry with the map key out. */
  remove(mapKey: unknown): MapEntry | undefined {
    const entry = this.find(mapKey);
    if (entry === undefined) {
      return undefined;
    }
    this.#size--;
    if (this.#map !== undefined) {
      this.#map.delete(mapKeyOf(mapKey));
    } else {
      this.#unchain(entry);
    }
    return entry;
  }

  /** The entries; those that are added or removed meanwhile may be among them or not, so look for `REMOVED`. */
  entries(): IterableIterator<MapEntry> {
    return (this.#map ?? this.#chained()).values();
  }

  #unchain(entry: MapEntry): void {
    if (this.#chain === entry) {
      this.#chain = entry.next;
    } else {
      let before = this.#chain;
      while (before !== undefined && before.next !== entry) {
        before = before.next;
      }
      before!.next = entry.next;
    }
    entry.next = undefined;
  }

  #chained(): MapEntry[] {
    const entries: MapEntry[] = [];
    this.copyChain(entries);
    return entries;
  }
}

const isPlain = (mapKey: unknown): boolean => (typeof mapKey !== 'object' || mapKey === null) && !Number.isNaN(mapKey);
