import type { AggregateFunction, AggregatingState, ReducingState } from '../keyed-state.ts';
import type { CurrentKey } from './current-key.ts';
import type { ValueStore } from './value-store.ts';

export class HeapReducingState<T> implements ReducingState<T> {
  readonly #store: ValueStore<T>;
  readonly #current: CurrentKey;
  readonly #reduce: (a: T, b: T) => T;

  constructor(store: ValueStore<T>, current: CurrentKey, reduce: (a: T, b: T) => T) {
    this.#store = store;
    this.#current = current;
    this.#reduce = reduce;
  }

  get(): T | undefined {
    return this.#store.getMutable(this.#current.key);
  }

  add(value: T): void {
    const { key } = this.#current;
    // `getMutable`, because a function may change its first argument and return it.
    const sum = this.#store.getMutable(key);
    this.#store.put(key, sum === undefined ? value : this.#reduce(sum, value));
  }

  clear(): void {
    this.#store.delete(this.#current.key);
  }
}

/** Keeps the accumulator; the result is computed when it is asked for. */
export class HeapAggregatingState<In, Acc, Out> implements AggregatingState<In, Out> {
  readonly #store: ValueStore<Acc>;
  readonly #current: CurrentKey;
  readonly #aggregate: AggregateFunction<In, Acc, Out>;

  constructor(store: ValueStore<Acc>, current: CurrentKey, aggregate: AggregateFunction<In, Acc, Out>) {
    this.#store = store;
    this.#current = current;
    this.#aggregate = aggregate;
  }

  get(): Out | undefined {
    const accumulator = this.#store.getMutable(this.#current.key);
    return accumulator === undefined ? undefined : this.#aggregate.getResult(accumulator);
  }

  add(value: In): void {
    const { key } = this.#current;
    const accumulator = this.#store.getMutable(key) ?? this.#aggregate.createAccumulator();
    this.#store.put(key, this.#aggregate.add(value, accumulator));
  }

  clear(): void {
    this.#store.delete(this.#current.key);
  }
}
