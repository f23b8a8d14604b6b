import type { MapState } from '../keyed-state.ts';
import type { CurrentKey } from './current-key.ts';
import type { MapStore } from './map-store.ts';

export class HeapMapState<K, V> implements MapState<K, V> {
  readonly #store: MapStore<K, V>;
  readonly #current: CurrentKey;

  constructor(store: MapStore<K, V>, current: CurrentKey) {
    this.#store = store;
    this.#current = current;
  }

  get(key: K): V | undefined {
    return this.#store.getMutable(this.#current.key, key);
  }

  has(key: K): boolean {
    return this.#store.has(this.#current.key, key);
  }

  put(key: K, value: V): void {
    this.#store.put(this.#current.key, key, value);
  }

  remove(key: K): void {
    this.#store.delete(this.#current.key, key);
  }

  entries(): IterableIterator<[K, V]> {
    return this.#store.mutableEntries(this.#current.key);
  }

  keys(): IterableIterator<K> {
    return this.#store.mapKeys(this.#current.key);
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.#store.mutableEntries(this.#current.key)) {
      yield value;
    }
    return undefined;
  }

  isEmpty(): boolean {
    return this.#store.isEmpty(this.#current.key);
  }

  clear(): void {
    this.#store.clear(this.#current.key);
  }
}
