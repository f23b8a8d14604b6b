import type { ValueState } from '../keyed-state.ts';
import type { CurrentKey } from './current-key.ts';
import type { ValueStore } from './value-store.ts';

export class HeapValueState<T> implements ValueState<T> {
  readonly #store: ValueStore<T>;
  readonly #current: CurrentKey;

  constructor(store: ValueStore<T>, current: CurrentKey) {
    this.#store = store;
    this.#current = current;
  }

  value(): T | undefined {
    return this.#store.getMutable(this.#current.key);
  }

  update(value: T): void {
    this.#store.put(this.#current.key, value);
  }

  clear(): void {
    this.#store.delete(this.#current.key);
  }
}
