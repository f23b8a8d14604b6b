import { assert } from '../../../foundation/common/assert.ts';
import type { ByteReader } from '../../../foundation/common/byte-reader.ts';
import type { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import { readValue, writeValue } from '../../../foundation/serialization/value-codec.ts';
import type { Key, KeyedTimers } from '../keyed-state.ts';
import { MapEntry } from './entry.ts';
import { mapKeyOf } from './map-key.ts';
import { StateStore } from './state-store.ts';
import { TimerBucket } from './timer-bucket.ts';
import { TimerHeap } from './timer-heap.ts';

/** Timers by time: many share one, the end of a window. The value of an entry is its place in the registrations. */
export class TimerStore extends StateStore implements KeyedTimers {
  readonly #buckets = new Map<number, TimerBucket>();
  readonly #heap = new TimerHeap();
  #size = 0;
  #registrations = 0;

  override get size(): number {
    return this.#size;
  }

  get nextTimeMs(): number {
    return this.#heap.first?.timeMs ?? Infinity;
  }

  register(key: Key, timeMs: number): void {
    assert(!Number.isNaN(timeMs), `${this.label}: the time of a timer is not a number`);
    const bucket = this.#buckets.get(timeMs);
    const name = mapKeyOf(key);
    if (bucket?.has(name) !== true) {
      const entry = new MapEntry(this.owner.own(key), timeMs, this.#registrations++, this.epoch);
      this.#add(bucket ?? this.#addBucket(timeMs), name, entry);
    }
  }

  delete(key: Key, timeMs: number): void {
    const bucket = this.#buckets.get(timeMs);
    const entry = bucket?.remove(mapKeyOf(key));
    if (entry !== undefined) {
      this.#tookOutOf(bucket!);
      this.removed(entry);
    }
  }

  poll(timeMs: number): { readonly key: Key; readonly timeMs: number } | undefined {
    const bucket = this.#heap.first;
    if (bucket === undefined || bucket.timeMs > timeMs) {
      return undefined;
    }
    const entry = bucket.takeFirst((first) => mapKeyOf(first.key))!;
    this.#tookOutOf(bucket);
    this.removed(entry);
    return { key: entry.key, timeMs: bucket.timeMs };
  }

  override *keys(): IterableIterator<Key> {
    const seen = new Set<unknown>();
    for (const entry of this.scan()) {
      const name = mapKeyOf(entry.key);
      if (!seen.has(name)) {
        seen.add(name);
        yield entry.key;
      }
    }
  }

  override *scan(): Generator<MapEntry, undefined> {
    for (const bucket of this.#buckets.values()) {
      if (bucket.only !== undefined) {
        yield bucket.only;
      } else {
        yield* bucket.entries();
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
    const timeMs = this.#readNumber(reader);
    const registration = this.#readNumber(reader);
    this.#registrations = Math.max(this.#registrations, registration + 1);
    const bucket = this.#buckets.get(timeMs) ?? this.#addBucket(timeMs);
    const name = mapKeyOf(key);
    if (bucket.has(name)) {
      bucket.remove(name);
      this.#size--;
    }
    this.#add(bucket, name, new MapEntry(this.owner.own(key), timeMs, registration, 0));
  }

  override restoreRemoval(reader: ByteReader): void {
    const key = readValue(reader);
    const bucket = this.#buckets.get(this.#readNumber(reader));
    if (bucket?.remove(mapKeyOf(key)) !== undefined) {
      this.#tookOutOf(bucket);
    }
  }

  override endRestore(): void {
    for (const bucket of this.#buckets.values()) {
      bucket.sort();
    }
  }

  #readNumber(reader: ByteReader): number {
    const value = readValue(reader);
    return typeof value === 'number'
      ? value
      : reader.corrupt(`${this.label}: a timer with a ${typeof value} for a number`);
  }

  #add(bucket: TimerBucket, name: unknown, entry: MapEntry): void {
    bucket.add(name, entry);
    this.#size++;
  }

  #addBucket(timeMs: number): TimerBucket {
    const bucket = new TimerBucket(timeMs);
    this.#buckets.set(timeMs, bucket);
    this.#heap.add(bucket);
    return bucket;
  }

  #tookOutOf(bucket: TimerBucket): void {
    this.#size--;
    if (bucket.size === 0) {
      this.#buckets.delete(bucket.timeMs);
      this.#heap.remove(bucket);
    }
  }
}
