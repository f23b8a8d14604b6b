import assert from 'node:assert/strict';
import { keyGroupOf, keyGroupRangeOf, subtaskOfKeyGroup } from '../../../../foundation/common/key-groups.ts';
import { canonicalKey } from '../../../../foundation/common/key-hash.ts';
import type { Random } from '../../../../foundation/common/random.ts';
import type { Key } from '../../keyed-state.ts';
import { HeapKeyedBackend } from '../heap-keyed-backend.ts';

const GROUPS = 16;
const STATES = ['value', 'list', 'map', 'reducing', 'aggregating', 'table', 'mapTable', 'timers'] as const;

/** What every state holds: entries by state, key and map key. The model of a timer is its place in the order. */
export type Content = Map<string, unknown>;
interface Cell {
  n: number;
}

const KEYS: readonly Key[] = [
  ...Array.from({ length: 12 }, (_, i) => `key ${i}`),
  ...Array.from({ length: 6 }, (_, i) => `a key that is longer than twelve ${i}`),
  ...Array.from({ length: 6 }, (_, i) => i - 2),
  ...[0.5, NaN, Infinity, true, false, null, undefined, 7n, '', '\0', '\0s', '\0os1:a', '\0[s1:a]'],
  ...[['a'], ['a', 1], [], {}, { a: 1, b: ['x'] }, { a: 1, b: ['y'] }],
];
const MAP_KEYS: readonly unknown[] = [...Array.from({ length: 14 }, (_, i) => i), 'x', NaN, null, [1], { y: 2 }];

const idOf = (state: string, key: Key, mapKey?: unknown): string =>
  `${state}|${canonicalKey(key)}|${canonicalKey(mapKey)}`;

const sumCells = { createAccumulator: () => ({ n: 0 }), add, getResult: (cell: Cell) => cell.n };
/** Changes the accumulator in place, which no contract allows but many do. */
function add(value: number, cell: Cell): Cell {
  cell.n += value;
  return cell;
}

/** The subtasks of one operator, next to a plain model of all their state. */
export class ModelOperator {
  model: Content = new Map();
  subtasks: HeapKeyedBackend[] = [];
  parallelism: number;
  registrations = 0;
  /** After a rescale the registrations of different subtasks have no order. */
  ordered = true;
  readonly random: Random;
  static instances = 0;

  constructor(parallelism: number, random: Random) {
    this.parallelism = parallelism;
    this.random = random;
    this.subtasks = Array.from({ length: parallelism }, (_, subtask) => {
      const range = keyGroupRangeOf(subtask, GROUPS, parallelism);
      const options = { operatorName: 'op', maxParallelism: GROUPS, backendId: `b${ModelOperator.instances++}` };
      const clock = { now: () => this.random.next() * 1000, effortPerLook: 1 + this.random.int(200) };
      return new HeapKeyedBackend({ ...options, keyGroupStart: range.start, keyGroupEnd: range.end }, clock);
    });
  }

  #at(key: Key): HeapKeyedBackend {
    const backend = this.subtasks[subtaskOfKeyGroup(keyGroupOf(key, GROUPS), GROUPS, this.parallelism)]!;
    backend.setCurrentKey(key);
    return backend;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.random.int(items.length)]!;
  }

  change(): void {
    const key = this.#pick(KEYS);
    const mapKey = this.#pick(MAP_KEYS);
    const n = this.random.int(100);
    const state = this.#pick(STATES);
    switch (state) {
      case 'value':
        return this.#changeValue(key, n);
      case 'list':
        return this.#changeList(key, n);
      case 'map':
        return this.#changeMap(key, mapKey, n);
      case 'reducing':
      case 'aggregating':
        return this.#changeSum(state, key, n);
      case 'table':
        return this.#changeTable(key, n);
      case 'mapTable':
        return this.#changeMapTable(key, mapKey, n);
      case 'timers':
        return this.#changeTimers(key, n);
    }
  }

  #changeValue(key: Key, n: number): void {
    const state = this.#at(key).value<Cell | number>('value');
    const id = idOf('value', key);
    const now = state.value();
    assert.deepEqual(now, this.model.get(id));
    if (n < 20) {
      state.clear();
      this.model.delete(id);
    } else if (typeof now === 'object') {
      now.n += n;
      (this.model.get(id) as Cell).n += n;
    } else {
      state.update(n % 2 === 0 ? n : { n });
      this.model.set(id, n % 2 === 0 ? n : { n });
    }
  }

  #changeList(key: Key, n: number): void {
    const state = this.#at(key).list<Cell | number>('list');
    const id = idOf('list', key);
    const model = (this.model.get(id) ?? []) as (Cell | number)[];
    const items = state.get();
    assert.deepEqual(items, model);
    if (n < 10) {
      state.clear();
      this.model.delete(id);
    } else if (n < 20) {
      state.update([n]);
      this.model.set(id, [n]);
    } else if (typeof items[0] === 'object') {
      items[0].n += n;
      (model[0] as Cell).n += n;
    } else {
      state.addAll([n % 2 === 0 ? n : { n }, n]);
      this.model.set(id, [...model, n % 2 === 0 ? n : { n }, n]);
    }
  }

  #changeMap(key: Key, mapKey: unknown, n: number): void {
    const state = this.#at(key).map<unknown, Cell>('map');
    const id = idOf('map', key, mapKey);
    const cell = n % 3 === 0 ? undefined : state.get(mapKey);
    if (n < 3) {
      state.clear();
      [...this.model.keys()]
        .filter((other) => other.startsWith(prefixOf('map', key)))
        .forEach((other) => {
          this.model.delete(other);
        });
      assert.equal(state.isEmpty(), true);
    } else if (n < 30) {
      state.remove(mapKey);
      this.model.delete(id);
      assert.equal(state.has(mapKey), false);
    } else if (n < 40) {
      for (const [name, value] of state.entries()) {
        value.n += n;
        (this.model.get(idOf('map', key, name)) as Cell).n += n;
      }
    } else if (cell !== undefined) {
      assert.deepEqual(cell, this.model.get(id));
      cell.n += n;
      (this.model.get(id) as Cell).n += n;
    } else {
      state.put(mapKey, { n });
      this.model.set(id, { n });
    }
  }

  #changeSum(name: 'reducing' | 'aggregating', key: Key, n: number): void {
    const backend = this.#at(key);
    const id = idOf(name, key);
    if (name === 'reducing') {
      const state = backend.reducing<Cell>(name, (a, b) => add(b.n, a));
      act(
        n < 20,
        () => state.clear(),
        () => state.add({ n }),
      );
    } else {
      const state = backend.aggregating<number, Cell, number>(name, sumCells);
      act(
        n < 20,
        () => state.clear(),
        () => state.add(n),
      );
    }
    if (n < 20) {
      this.model.delete(id);
    } else {
      this.model.set(id, { n: ((this.model.get(id) as Cell | undefined)?.n ?? 0) + n });
    }
  }

  #changeTable(key: Key, n: number): void {
    const table = this.#at(key).table<unknown>('table');
    const id = idOf('table', key);
    const now = table.get(key);
    assert.deepEqual(now, this.model.get(id));
    if (n < 10) {
      table.delete(key);
      this.model.delete(id);
    } else if (n < 20) {
      table.delete(key);
      table.put(key, n);
      this.model.set(id, n);
    } else {
      const value = typeof now === 'number' ? now + n : n % 5 === 0 ? { n: `text of some length ${n}` } : n;
      table.put(key, value);
      this.model.set(id, value);
    }
  }

  #changeMapTable(key: Key, mapKey: unknown, n: number): void {
    const table = this.#at(key).mapTable<unknown, number>('mapTable');
    const id = idOf('mapTable', key, mapKey);
    assert.equal(table.get(key, mapKey), this.model.get(id));
    if (n < 40) {
      table.delete(key, mapKey);
      this.model.delete(id);
    } else {
      table.put(key, mapKey, n);
      this.model.set(id, n);
    }
  }

  #changeTimers(key: Key, n: number): void {
    const timers = this.#at(key).timers('timers');
    const timeMs = this.random.int(10) * 1000;
    const id = idOf('timers', key, timeMs);
    if (n < 25) {
      timers.delete(key, timeMs);
      this.model.delete(id);
    } else if (n < 30) {
      for (let fired = timers.poll(timeMs); fired !== undefined; fired = timers.poll(timeMs)) {
        assert.equal(this.model.delete(idOf('timers', fired.key, fired.timeMs)), true);
      }
      assert.ok(timers.nextTimeMs > timeMs);
    } else {
      timers.register(key, timeMs);
      if (!this.model.has(id)) {
        this.model.set(id, this.registrations++);
      }
    }
  }
}

const act = (condition: boolean, yes: () => void, no: () => void): void => (condition ? yes() : no());

const prefixOf = (state: string, key: Key): string => `${state}|${canonicalKey(key)}|`;

/** Reads everything out of a backend; its timers are gone then. */
export const contentOf = (backends: readonly HeapKeyedBackend[], model: Content, ordered: boolean): Content => {
  const content: Content = new Map();
  for (const backend of backends) {
    for (const name of ['value', 'list', 'reducing', 'aggregating', 'table'] as const) {
      for (const key of backend.keys(name)) {
        backend.setCurrentKey(key);
        content.set(idOf(name, key), readSingle(backend, name, key));
      }
    }
    for (const key of backend.keys('map')) {
      backend.setCurrentKey(key);
      for (const [mapKey, value] of backend.map('map').entries()) {
        content.set(idOf('map', key, mapKey), value);
      }
    }
    for (const key of backend.keys('mapTable')) {
      for (const [mapKey, value] of backend.mapTable('mapTable').entries(key)) {
        content.set(idOf('mapTable', key, mapKey), value);
      }
    }
    readTimers(backend, content, model, ordered);
  }
  return content;
};

const readSingle = (
  backend: HeapKeyedBackend,
  name: 'value' | 'list' | 'reducing' | 'aggregating' | 'table',
  key: Key,
): unknown => {
  switch (name) {
    case 'value':
      return backend.value(name).value();
    case 'list':
      return backend.list(name).get();
    case 'reducing':
      return backend.reducing(name, () => undefined).get();
    case 'aggregating':
      return { n: backend.aggregating(name, sumCells).get() };
    default:
      return backend.table(name).get(key);
  }
};

const readTimers = (backend: HeapKeyedBackend, content: Content, model: Content, ordered: boolean): void => {
  const timers = backend.timers('timers');
  let last = { timeMs: -Infinity, registration: -1 };
  assert.ok([...backend.keys('timers')].length <= timers.size);
  for (let fired = timers.poll(Infinity); fired !== undefined; fired = timers.poll(Infinity)) {
    const id = idOf('timers', fired.key, fired.timeMs);
    const registration = model.get(id) as number;
    content.set(id, registration);
    assert.ok(fired.timeMs >= last.timeMs);
    if (ordered && fired.timeMs === last.timeMs) {
      assert.ok(registration > last.registration);
    }
    last = { timeMs: fired.timeMs, registration };
  }
};
