import { assert } from '../../foundation/common/assert.ts';
import type { RecordChange } from '../records/record-store.ts';
import type { MultiOperation } from './client/zookeeper-client.ts';
import type { KnownNode } from './known-records.ts';
import { parentsOf, type StorePaths } from './store-paths.ts';

/** What changes of records come to as operations of a multi. */
export interface PlannedChanges {
  readonly operations: readonly MultiOperation[];
  /** This record is not as the changes expect it: they must not be carried out. */
  readonly conflict: string | undefined;
}

/** A node as it will be when the operations before have been carried out; `made`: by one of them. */
type Fact = KnownNode | 'made';

/**
 * Plans the operations: `create` where there is nothing, and its folders before it, `set` where there is something. The plan holds as
 * long as nobody else changes these records. `nodes`: all that the changes are about.
 */
export const planChanges = (
  paths: StorePaths,
  nodes: ReadonlyMap<string, KnownNode>,
  changes: readonly RecordChange[],
): PlannedChanges => {
  const planner = new Planner(paths, nodes);
  for (const change of changes) {
    switch (change.kind) {
      case 'put':
        planner.put(change.key, change.value, change.expected);
        break;
      case 'delete':
        planner.delete(change.key, change.expected);
        break;
      case 'delete-all':
        planner.deleteAll(change.prefix);
        break;
      case 'require':
        planner.require(change.key, change.expected);
        break;
    }
  }
  return planner;
};

class Planner implements PlannedChanges {
  readonly operations: MultiOperation[] = [];
  conflict: string | undefined;
  readonly #paths: StorePaths;
  readonly #facts: Map<string, Fact>;

  constructor(paths: StorePaths, nodes: ReadonlyMap<string, KnownNode>) {
    this.#paths = paths;
    this.#facts = new Map(nodes);
  }

  put(key: string, value: string, expected: number | 'absent' | undefined): void {
    const path = this.#paths.ofRecord(key);
    const data = Buffer.from(value);
    if (typeof expected === 'number') {
      this.#versioned(key, expected, (version) => this.operations.push({ kind: 'set', path, data, version }));
    } else if (!this.#facts.has(path)) {
      this.#make(path, data);
    } else if (expected === 'absent') {
      this.conflict ??= key;
    } else {
      this.operations.push({ kind: 'set', path, data });
    }
  }

  delete(key: string, expected: number | undefined): void {
    const path = this.#paths.ofRecord(key);
    if (expected !== undefined) {
      this.#versioned(key, expected, (version) => this.#remove(path, version));
    } else if (this.#facts.has(path)) {
      this.#remove(path, -1);
    }
  }

  deleteAll(prefix: string): void {
    assert(prefix.endsWith('/'), `${prefix} is no folder of records`);
    const below = this.#paths.ofRecord(prefix);
    const folder = below.slice(0, -1);
    // What is in a folder before it.
    const found = [...this.#facts.keys()].filter((path) => path.startsWith(below) || path === folder);
    found.sort((one, other) => other.length - one.length).forEach((path) => this.#remove(path, -1));
  }

  require(key: string, expected: number | 'absent'): void {
    const path = this.#paths.ofRecord(key);
    if (expected !== 'absent') {
      this.#versioned(key, expected, (version) => this.operations.push({ kind: 'check', path, version }));
    } else if (this.#facts.has(path)) {
      this.conflict ??= key;
    }
  }

  /** A version of a record is one of its node as long as the node is as it was found. */
  #versioned(key: string, expected: number, then: (version: number) => void): void {
    const fact = this.#facts.get(this.#paths.ofRecord(key));
    if (fact === undefined || fact === 'made' || fact.recordVersion !== expected) {
      this.conflict ??= key;
    } else {
      then(fact.nodeVersion);
    }
  }

  #make(path: string, data: Uint8Array): void {
    for (const folder of foldersOf(this.#paths, path).filter((one) => !this.#facts.has(one))) {
      this.operations.push({ kind: 'create', path: folder, data: new Uint8Array(0) });
      this.#facts.set(folder, 'made');
    }
    this.operations.push({ kind: 'create', path, data });
    this.#facts.set(path, 'made');
  }

  #remove(path: string, version: number): void {
    this.operations.push({ kind: 'delete', path, version });
    this.#facts.delete(path);
  }
}

/** Those between a record and the folders that are always there. */
const foldersOf = (paths: StorePaths, path: string): readonly string[] =>
  parentsOf(path).filter((folder) => paths.recordFolders.some((one) => folder.startsWith(`${one}/`)));
