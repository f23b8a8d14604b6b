import { assert } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type {
  AggregateFunction,
  AggregatingState,
  Key,
  KeyedMapTable,
  KeyedTable,
  KeyedTimers,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../keyed-state.ts';
import type {
  KeyedBackendOptions,
  PendingKeyedSnapshot,
  SnapshotOptions,
  SnapshottableKeyedBackend,
} from '../snapshot.ts';
import type { KeyedSegment, KeyedStateHandle, StateReader } from '../state-handle.ts';
import type { CurrentKey } from './current-key.ts';
import { HeapAggregatingState, HeapReducingState } from './folding-state.ts';
import { KeyOwner } from './key-owner.ts';
import { restoreHandles } from './keyed-restore.ts';
import { KeyedSnapshot } from './keyed-snapshot.ts';
import { HeapListState } from './list-state.ts';
import { HeapMapState } from './map-state.ts';
import { MapStore } from './map-store.ts';
import { type SnapshotBase, SnapshotLedger } from './snapshot-ledger.ts';
import { describeKind, type StateKind } from './state-kind.ts';
import type { StateStore } from './state-store.ts';
import { type SliceClock, systemSliceClock } from './time-slice.ts';
import { TimerStore } from './timer-store.ts';
import { HeapValueState } from './value-state.ts';
import { ValueStore } from './value-store.ts';

/** A longer chain of increments becomes a full image again. */
const MOST_SEGMENTS = 10;

/** Keyed state as objects on the heap of the task's thread, with asynchronous incremental snapshots. */
export class HeapKeyedBackend implements SnapshottableKeyedBackend {
  readonly #backendId: string;
  readonly #owner: KeyOwner;
  readonly #clock: SliceClock;
  readonly #ledger = new SnapshotLedger();
  readonly #stores = new Map<string, StateStore>();
  /** What users got for a store. */
  readonly #states = new Map<StateStore, unknown>();
  readonly #restoredNames = new Set<string>();
  readonly #current: CurrentKey = { key: undefined };

  /** `clock` measures the slices in which snapshots are written. */
  constructor(options: KeyedBackendOptions, clock: SliceClock = systemSliceClock) {
    const { operatorName, keyGroupStart, keyGroupEnd, maxParallelism } = options;
    assert(
      keyGroupStart >= 0 && keyGroupEnd >= keyGroupStart && keyGroupEnd < maxParallelism,
      `operator '${operatorName}': key groups ${keyGroupStart} to ${keyGroupEnd} of ${maxParallelism}`,
    );
    this.#backendId = options.backendId;
    this.#owner = new KeyOwner(options);
    this.#clock = clock;
  }

  setCurrentKey(key: Key): void {
    this.#current.key = key;
  }

  get currentKey(): Key {
    return this.#current.key;
  }

  value<T>(name: string): ValueState<T> {
    const store = this.#valueStore<T>('value', name);
    return this.#state(store, () => new HeapValueState(store, this.#current));
  }

  list<T>(name: string): ListState<T> {
    const store = this.#valueStore<T[]>('list', name);
    return this.#state(store, () => new HeapListState(store, this.#current));
  }

  map<K, V>(name: string): MapState<K, V> {
    const store = this.#mapStore<K, V>('map', name);
    return this.#state(store, () => new HeapMapState(store, this.#current));
  }

  reducing<T>(name: string, reduce: (a: T, b: T) => T): ReducingState<T> {
    const store = this.#valueStore<T>('reducing', name);
    return this.#state(store, () => new HeapReducingState(store, this.#current, reduce));
  }

  aggregating<In, Acc, Out>(name: string, fn: AggregateFunction<In, Acc, Out>): AggregatingState<In, Out> {
    const store = this.#valueStore<Acc>('aggregating', name);
    return this.#state(store, () => new HeapAggregatingState(store, this.#current, fn));
  }

  table<V>(name: string): KeyedTable<V> {
    return this.#valueStore<V>('table', name);
  }

  mapTable<K, V>(name: string): KeyedMapTable<K, V> {
    return this.#mapStore<K, V>('mapTable', name);
  }

  timers(name: string): KeyedTimers {
    return this.#store('timers', name) as TimerStore;
  }

  keys(name: string): IterableIterator<Key> {
    return this.#stores.get(name)?.keys() ?? [].values();
  }

  get sizeEstimate(): { readonly keys: number } {
    let keys = 0;
    for (const store of this.#stores.values()) {
      keys += store.size;
    }
    return { keys };
  }

  snapshot({ checkpointId, baseId, full = false }: SnapshotOptions): PendingKeyedSnapshot {
    const plan = {
      checkpointId,
      savepoint: full,
      base: full ? undefined : this.#baseFor(baseId),
      backendId: this.#backendId,
    };
    const snapshot = new KeyedSnapshot(plan, [...this.#stores.values()], this.#ledger, this.#owner, this.#clock);
    for (const store of this.#stores.values()) {
      store.epoch = this.#ledger.epoch;
    }
    this.#dropRemovals();
    return snapshot;
  }

  checkpointCompleted(checkpointId: number): void {
    this.#ledger.completed(checkpointId);
    this.#dropRemovals();
  }

  async restore(handles: readonly KeyedStateHandle[], reader: StateReader, restoredId: number): Promise<void> {
    const { keyGroupStart, keyGroupEnd } = this.#owner;
    assert(this.sizeEstimate.keys === 0, `operator '${this.#owner.operatorName}': restored after it had state`);
    const ours = handles.filter((handle) => handle.keyGroupStart <= keyGroupEnd && handle.keyGroupEnd >= keyGroupStart);
    await restoreHandles(
      { owner: this.#owner, storeFor: ({ kind, name }) => this.#restoredStore(kind, name) },
      ours,
      reader,
    );
    for (const store of this.#stores.values()) {
      store.endRestore();
    }
    const [only] = ours;
    const isOurs = ours.length === 1 && only?.keyGroupStart === keyGroupStart && only.keyGroupEnd === keyGroupEnd;
    if (isOurs && only.segments.every(mayBeShared)) {
      this.#ledger.addBase(restoredId, { mark: 0, segments: only.segments });
    }
  }

  /** The base that the trigger names (R6), unless a full image is better or the base is not there. */
  #baseFor(baseId: number | undefined): SnapshotBase | undefined {
    const base = this.#ledger.base(baseId);
    if (base === undefined || base.segments.length >= MOST_SEGMENTS) {
      return undefined;
    }
    const [image, ...increments] = base.segments.map(byteLengthOf);
    const incrementBytes = increments.reduce((sum, bytes) => sum + bytes, 0);
    // A small image travels inside of the metadata: a new one is as cheap as an increment.
    return base.segments[0]?.handle.kind === 'inline' || incrementBytes > image! ? undefined : base;
  }

  #dropRemovals(): void {
    const mark = this.#ledger.oldestBaseMark;
    for (const store of this.#stores.values()) {
      store.dropRemovalsUpTo(mark);
    }
  }

  #state<S>(store: StateStore, create: () => S): S {
    let state = this.#states.get(store);
    if (state === undefined) {
      state = create();
      this.#states.set(store, state);
    }
    return state as S;
  }

  #valueStore<V>(kind: StateKind, name: string): ValueStore<V> {
    return this.#store(kind, name) as ValueStore<V>;
  }

  #mapStore<K, V>(kind: StateKind, name: string): MapStore<K, V> {
    return this.#store(kind, name) as MapStore<K, V>;
  }

  #restoredStore(kind: StateKind, name: string): StateStore {
    this.#restoredNames.add(name);
    return this.#store(kind, name);
  }

  #store(kind: StateKind, name: string): StateStore {
    let store = this.#stores.get(name);
    if (store === undefined) {
      store = this.#newStore(kind, name);
      this.#stores.set(name, store);
    } else if (store.kind !== kind) {
      const restored = this.#restoredNames.has(name);
      throw new MillraceError(
        restored ? 'CHECKPOINT_MISMATCH' : 'BAD_JOB',
        `operator '${this.#owner.operatorName}': state '${name}' is asked for as ${describeKind(kind)}, but it ` +
          `${restored ? 'was restored' : 'is in use'} as ${describeKind(store.kind)}: give one of them another name`,
      );
    }
    return store;
  }

  #newStore(kind: StateKind, name: string): StateStore {
    const context = { operatorName: this.#owner.operatorName, ledger: this.#ledger, owner: this.#owner };
    switch (kind) {
      case 'map':
      case 'mapTable':
        return new MapStore(kind, name, context);
      case 'timers':
        return new TimerStore(kind, name, context);
      default:
        return new ValueStore(kind, name, context);
    }
  }
}

/** A later checkpoint may not refer to what belongs to one alone, nor to files of a savepoint. */
const mayBeShared = ({ handle }: KeyedSegment): boolean =>
  handle.kind === 'inline' || handle.path.startsWith('shared/');

const byteLengthOf = ({ handle }: KeyedSegment): number =>
  handle.kind === 'file' ? handle.sizeBytes : handle.bytes.length;
