import { detach } from '../../../foundation/serialization/detach.ts';
import type { ListState } from '../keyed-state.ts';
import type { CurrentKey } from './current-key.ts';

import type { ValueStore } from './value-store.ts';

/** A list is one value: a change writes all of it into the next increment. */
export class HeapListState<T> implements ListState<T> {
  readonly #store: ValueStore<T[]>;
  readonly #current: CurrentKey;

  constructor(store: ValueStore<T[]>, current: CurrentKey) {
    this.#store = store;
    this.#current = current;
  }

  get(): readonly T[] {
    const items = this.#store.get(this.#current.key);
    if (items === undefined) {
      return [];
    }
    return items.some(isObject) ? this.#store.getMutable(this.#current.key)! : items;
  }

  add(value: T): void {
    const items = this.#store.getMutable(this.#current.key);
    if (items === undefined) {
      this.#store.put(this.#current.key, [value]);
    } else {
      items.push(detach(value));
    }
  }

  addAll(values: Iterable<T>): void {
    for (const value of values) {
      this.add(value);
    }
  }

  update(values: readonly T[]): void {
    if (values.length === 0) {
      this.clear();
    } else {
      this.#store.put(this.#current.key, [...values]);
    }
  }

  clear(): void {
    this.#store.delete(this.#current.key);
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
