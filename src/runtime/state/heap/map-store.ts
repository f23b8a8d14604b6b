import type { ByteReader } from '../../../foundation/common/byte-reader.ts';
import type { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import { detach } from '../../../foundation/serialization/detach.ts';
import { readValue, writeValue } from '../../../foundation/serialization/value-codec.ts';
import type { Key, KeyedMapTable } from '../keyed-state.ts';
import { MapEntry, REMOVED } from './entry.ts';
import { MapBucket } from './map-bucket.ts';
import { mapKeyOf } from './map-key.ts';

import { StateStore } from './state-store.ts';

const NO_KEY = Symbol('no key');

/** One value per key and map key: map tables, and the map states of users. */
export class MapStore<K, V> extends StateStore implements KeyedMapTable<K, V> {
  readonly #buckets = new Map<unknown, MapBucket>();
  #size = 0;
  /** The last primitive key with what was found: an operator asks for several map keys of one key in a row. */
  #lastKey: unknown = NO_KEY;
  #lastBucket: MapBucket | undefined;

  override get size(): number {
    return this.#size;
  }

  get(key: Key, mapKey: K): V | undefined {
    return this.#find(key)?.find(mapKey)?.value as V | undefined;
  }

  /** As `get`, for someone who may change an object in place. */
  getMutable(key: Key, mapKey: K): V | undefined {
    const entry = this.#find(key)?.find(mapKey);
    return entry === undefined ? undefined : this.#handOut(entry);
  }

  put(key: Key, mapKey: K, value: V): void {
    let bucket = this.#find(key);
    const entry = bucket?.find(mapKey);
    if (entry !== undefined) {
      this.touch(entry);
      if (!Object.is(entry.value, value)) {
        entry.value = detach(value, entry.value);
      }
      return;
    }
    const ownMapKey = this.owner.ownMapKey(mapKey);
    bucket ??= this.#addBucket(key);
    this.#add(bucket, new MapEntry(bucket.key, ownMapKey, detach(value), this.epoch));
  }

  delete(key: Key, mapKey: K): void {
    const bucket = this.#find(key);
    const entry = bucket?.remove(mapKey);
    if (entry !== undefined) {
      this.#size--;
      if (bucket!.size === 0) {
        this.#removeBucket(key);
      }
      this.removed(entry);
    }
  }

  *entries(key: Key): Generator<[K, V], undefined> {
    for (const entry of this.#entriesOf(key)) {
      if (entry.epoch !== REMOVED) {
        yield [entry.mapKey as K, entry.value as V];
      }
    }
    return undefined;
  }

  /** As `entries`, for someone who may change the objects in place. */
  *mutableEntries(key: Key): Generator<[K, V], undefined> {
    for (const entry of this.#entriesOf(key)) {
      if (entry.epoch !== REMOVED) {
        yield [entry.mapKey as K, this.#handOut(entry)];
      }
    }
    return undefined;
  }

  *mapKeys(key: Key): Generator<K, undefined> {
    for (const entry of this.#entriesOf(key)) {
      if (entry.epoch !== REMOVED) {
        yield entry.mapKey as K;
      }
    }
    return undefined;
  }

  has(key: Key, mapKey: K): boolean {
    return this.#find(key)?.find(mapKey) !== undefined;
  }

  isEmpty(key: Key): boolean {
    return this.#find(key) === undefined;
  }

  clear(key: Key): void {
    const bucket = this.#find(key);
    if (bucket !== undefined) {
      this.#removeBucket(key);
      this.#size -= bucket.size;
      for (const entry of bucket.entries()) {
        this.removed(entry);
      }
    }
  }

  override *keys(): IterableIterator<Key> {
    for (const bucket of this.#buckets.values()) {
      yield bucket.key;
    }
  }

  override *scan(): Generator<MapEntry, undefined> {
    // One array for all chains: a snapshot of a million short ones would leave a million behind.
    const chain: MapEntry[] = [];
    for (const bucket of this.#buckets.values()) {
      const { map } = bucket;
      if (map !== undefined) {
        yield* map.values();
        continue;
      }
      const length = bucket.copyChain(chain);
      for (let i = 0; i < length; i++) {
        yield chain[i]!;
      }
    }
    return undefined;
  }

  override writeName(writer: ByteWriter, entry: MapEntry): void {
    writeValue(writer, entry.key, this.label);
    writeValue(writer, entry.mapKey, this.label);
  }

  protected override writeValue(writer: ByteWriter, entry: MapEntry): void {
    writeValue(writer, entry.value, this.label);
  }

  override restoreEntry(reader: ByteReader): void {
    const key = readValue(reader) as Key;
    const mapKey = readValue(reader) as K;
    const value = readValue(reader);
    const bucket = this.#find(key) ?? this.#addBucket(key);
    const entry = bucket.find(mapKey);
    if (entry === undefined) {
      this.#add(bucket, new MapEntry(bucket.key, mapKey, value, 0));
    } else {
      entry.value = value;
    }
  }

  override restoreRemoval(reader: ByteReader): void {
    const key = readValue(reader) as Key;
    const mapKey = readValue(reader);
    const bucket = this.#find(key);
    if (bucket?.remove(mapKey) !== undefined) {
      this.#size--;
      if (bucket.size === 0) {
        this.#removeBucket(key);
      }
    }
  }

  #find(key: Key): MapBucket | undefined {
    if (key === this.#lastKey) {
      return this.#lastBucket;
    }
    const bucket = this.#buckets.get(mapKeyOf(key));
    // An object may have other content the next time it is seen.
    if (typeof key !== 'object') {
      this.#lastKey = key;
      this.#lastBucket = bucket;
    }
    return bucket;
  }

  #entriesOf(key: Key): Iterable<MapEntry> {
    return this.#find(key)?.entries() ?? [];
  }

  #handOut(entry: MapEntry): V {
    const value = entry.value as V;
    if (typeof value === 'object' && value !== null) {
      this.touch(entry);
    }
    return value;
  }

  #add(bucket: MapBucket, entry: MapEntry): void {
    bucket.add(entry);
    this.#size++;
  }

  #addBucket(key: Key): MapBucket {
    const bucket = new MapBucket(this.owner.own(key));
    this.#buckets.set(mapKeyOf(key), bucket);
    this.#lastKey = NO_KEY;
    return bucket;
  }

  #removeBucket(key: Key): void {
    this.#buckets.delete(mapKeyOf(key));
    this.#lastKey = NO_KEY;
    this.#lastBucket = undefined;
  }
}
