/** The contract of keyed state, in two levels: tables for built-in operators, typed states for user functions. */

/** Whatever can be a key: primitives compare by value, arrays and plain objects by their canonical encoding. */
export type Key = string | number | bigint | boolean | null | undefined | object;

/**
 * One value per key, the level that built-in operators use. Values are replaced, never changed in place: `put` is the
 * only way to change one.
 */
export interface KeyedTable<V> {
  get(key: Key): V | undefined;
  /** `undefined` takes the value away. */
  put(key: Key, value: V): void;
  delete(key: Key): void;
}

/** One value per key and map key (a user's map state, panes of windows). */
export interface KeyedMapTable<K, V> {
  get(key: Key, mapKey: K): V | undefined;
  put(key: Key, mapKey: K, value: V): void;
  delete(key: Key, mapKey: K): void;
  entries(key: Key): IterableIterator<[K, V]>;
  has(key: Key, mapKey: K): boolean;
  isEmpty(key: Key): boolean;
  clear(key: Key): void;
}

export interface ValueState<T> {
  /** `undefined` when never set or cleared. An object may be changed in place; it counts as changed once it was read. */
  value(): T | undefined;
  update(value: T): void;
  clear(): void;
}

export interface ListState<T> {
  get(): readonly T[];
  add(value: T): void;
  addAll(values: Iterable<T>): void;
  update(values: readonly T[]): void;
  clear(): void;
}

export interface MapState<K, V> {
  get(key: K): V | undefined;
  has(key: K): boolean;
  put(key: K, value: V): void;
  remove(key: K): void;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  isEmpty(): boolean;
  clear(): void;
}

export interface ReducingState<T> {
  get(): T | undefined;
  add(value: T): void;
  clear(): void;
}

export interface AggregatingState<In, Out> {
  get(): Out | undefined;
  add(value: In): void;
  clear(): void;
}

/** How a value is folded; accumulators are replaced, never changed in place. */
export interface AggregateFunction<In, Acc, Out> {
  createAccumulator(): Acc;
  add(value: In, accumulator: Acc): Acc;
  getResult(accumulator: Acc): Out;
  /** For windows that merge; optional otherwise. */
  merge?(a: Acc, b: Acc): Acc;
}

/** States of the current key; a name is one state, asking twice gives the same. */
export interface KeyedStateStore {
  value<T>(name: string): ValueState<T>;
  list<T>(name: string): ListState<T>;
  map<K, V>(name: string): MapState<K, V>;
  reducing<T>(name: string, reduce: (a: T, b: T) => T): ReducingState<T>;
  aggregating<In, Acc, Out>(name: string, fn: AggregateFunction<In, Acc, Out>): AggregatingState<In, Out>;
}

/** Pending timers of keys, which are state (they survive a restore); each (key, time) fires once. */
export interface KeyedTimers {
  register(key: Key, timeMs: number): void;
  delete(key: Key, timeMs: number): void;
  /** The earliest pending time, `Infinity` when there is none. */
  readonly nextTimeMs: number;
  /** Takes the earliest timer at or before `timeMs` out, in order of time, then of registration. */
  poll(timeMs: number): { readonly key: Key; readonly timeMs: number } | undefined;
  readonly size: number;
}

/** The keyed state of one operator in one subtask. */
export interface KeyedStateBackend extends KeyedStateStore {
  setCurrentKey(key: Key): void;
  readonly currentKey: Key;
  table<V>(name: string): KeyedTable<V>;
  mapTable<K, V>(name: string): KeyedMapTable<K, V>;
  timers(name: string): KeyedTimers;
  /** Visits every key that has a value in the state `name`, in no particular order. */
  keys(name: string): IterableIterator<Key>;
}

/** Lists that belong to a subtask instead of a key. */
export interface ListStateOfOperator<T> {
  get(): readonly T[];
  update(values: readonly T[]): void;
  add(value: T): void;
}

export interface OperatorStateStore {
  /**
   * After a restore with another parallelism a `split` list is dealt out over the subtasks, a `union` list is given
   * whole to each of them.
   */
  list<T>(name: string, redistribution?: 'split' | 'union'): ListStateOfOperator<T>;
}
