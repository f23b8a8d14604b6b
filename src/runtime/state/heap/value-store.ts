import type { ByteReader } from '../../../foundation/common/byte-reader.ts';
import type { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { detach } from '../../../foundation/serialization/detach.ts';
import { readValue, writeValue } from '../../../foundation/serialization/value-codec.ts';
import type { Key, KeyedTable } from '../keyed-state.ts';
import { Entry } from './entry.ts';
import { mapKeyOf } from './map-key.ts';

import { StateStore } from './state-store.ts';

/** What V8 puts into one `Map`. */
export const MOST_KEYS = 2 ** 24 - 1;
const NO_KEY = Symbol('no key');

/** One value per key: tables, and the value, list, reducing and aggregating states of users. */
export class ValueStore<V> extends StateStore implements KeyedTable<V> {
  readonly #entries = new Map<unknown, Entry>();
  /** The key of the last `get` with what it found, so that the `put` that follows needs no second search. */
  #lastKey: unknown = NO_KEY;
  #last: Entry | undefined;

  override get size(): number {
    return this.#entries.size;
  }

  get(key: Key): V | undefined {
    const entry = this.#entries.get(mapKeyOf(key));
    this.#lastKey = key;
    this.#last = entry;
    return entry === undefined ? undefined : (entry.value as V);
  }

  /** As `get`, for someone who may change an object in place. */
  getMutable(key: Key): V | undefined {
    const value = this.get(key);
    if (typeof value === 'object' && value !== null) {
      this.touch(this.#last!);
    }
    return value;
  }

  put(key: Key, value: V): void {
    if (key === this.#lastKey && typeof value === 'number') {
      const entry = this.#last;
      if (entry !== undefined && entry.epoch === this.epoch) {
        entry.value = value;
        return;
      }
    }
    this.#put(key, value);
  }

  delete(key: Key): void {
    const mapKey = mapKeyOf(key);
    const entry = this.#entries.get(mapKey);
    this.#lastKey = NO_KEY;
    this.#last = undefined;
    if (entry !== undefined) {
      this.#entries.delete(mapKey);
      this.removed(entry);
    }
  }

  override *keys(): IterableIterator<Key> {
    for (const entry of this.#entries.values()) {
      yield entry.key;
    }
  }

  override scan(): Iterator<Entry, unknown> {
    return this.#entries.values();
  }

  override writeName(writer: ByteWriter, entry: Entry): void {
    writeValue(writer, entry.key, this.label);
  }

  protected override writeValue(writer: ByteWriter, entry: Entry): void {
    writeValue(writer, entry.value, this.label);
  }

  override restoreEntry(reader: ByteReader): void {
    const key = readValue(reader) as Key;
    const value = readValue(reader);
    const mapKey = mapKeyOf(key);
    const entry = this.#entries.get(mapKey);
    if (entry === undefined) {
      this.#add(mapKey, new Entry(this.owner.own(key), value, 0));
    } else {
      entry.value = value;
    }
  }

  override restoreRemoval(reader: ByteReader): void {
    this.#entries.delete(mapKeyOf(readValue(reader)));
  }

  #put(key: Key, value: V): void {
    if (value === undefined) {
      this.delete(key);
      return;
    }
    const entry = key === this.#lastKey ? this.#last : this.#entries.get(mapKeyOf(key));
    // An object may have other content the next time it is seen; between a `get` and its `put` it has not.
    this.#lastKey = NO_KEY;
    if (entry === undefined) {
      this.#add(mapKeyOf(key), new Entry(this.owner.own(key), detach(value), this.epoch));
    } else {
      this.touch(entry);
      // What is in place already may be large, and was detached when it came; so was a string equal to `value`.
      if (!Object.is(entry.value, value)) {
        entry.value = detach(value, entry.value);
      }
    }
  }

  #add(mapKey: unknown, entry: Entry): void {
    if (this.#entries.size >= MOST_KEYS) {
      throw new MillraceError(
        'UNSUPPORTED',
        `${this.label} has ${MOST_KEYS} keys in one subtask and takes no more: raise the parallelism`,
      );
    }
    this.#entries.set(mapKey, entry);
  }
}
