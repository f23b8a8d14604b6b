import { assert } from '../../foundation/common/assert.ts';
import type { RecordChange } from '../records/record-store.ts';
import type { MultiOperation, Stat, ZooKeeperClient } from './client/zookeeper-client.ts';
import { pathsBelow, recordVersionOf } from './record-nodes.ts';
import { together } from './store-call.ts';
import { parentsOf, type StorePaths } from './store-paths.ts';

/** What changes of records come to as operations of a multi; `keys`: of which record each is. */
export interface PlannedChanges {
  readonly operations: readonly MultiOperation[];
  readonly keys: readonly string[];
  /** This record is not as the changes expect it: they must not be carried out. */
  readonly conflict: string | undefined;
}

/** A node as it will be when the operations before have been carried out; `made`: by one of them. */
type Fact = Stat | 'made' | 'absent';

/**
 * Looks at what is there, and plans the operations: `create` where there is nothing, and its folders before it, `set` where there is
 * something. The plan holds as long as nobody else changes these records.
 */
export const planChanges = async (
  client: ZooKeeperClient,
  paths: StorePaths,
  changes: readonly RecordChange[],
): Promise<PlannedChanges> => {
  const [facts, below] = await together(factsOf(client, paths, changes), belowAll(client, paths, changes));
  const planner = new Planner(paths, facts);
  for (const change of changes) {
    switch (change.kind) {
      case 'put':
        planner.put(change.key, change.value, change.expected);
        break;
      case 'delete':
        planner.delete(change.key, change.expected);
        break;
      case 'delete-all':
        planner.deleteAll(change.prefix, below.get(change.prefix) ?? []);
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
  readonly keys: string[] = [];
  conflict: string | undefined;
  readonly #paths: StorePaths;
  readonly #facts: Map<string, Fact>;

  constructor(paths: StorePaths, facts: Map<string, Fact>) {
    this.#paths = paths;
    this.#facts = facts;
  }

  put(key: string, value: string, expected: number | 'absent' | undefined): void {
    const path = this.#paths.ofRecord(key);
    const data = Buffer.from(value);
    const fact = this.#fact(path);
    if (expected === 'absent' || (expected === undefined && fact === 'absent')) {
      // Whether it is there, the ensemble says.
      this.#make(key, path, data);
    } else if (expected === undefined) {
      this.#add(key, { kind: 'set', path, data });
    } else {
      this.#versioned(key, fact, expected, (version) => this.#add(key, { kind: 'set', path, data, version }));
    }
  }

  delete(key: string, expected: number | undefined): void {
    const path = this.#paths.ofRecord(key);
    const fact = this.#fact(path);
    if (expected === undefined) {
      if (fact !== 'absent') {
        this.#remove(key, path, -1);
      }
    } else {
      this.#versioned(key, fact, expected, (version) => this.#remove(key, path, version));
    }
  }

  deleteAll(prefix: string, found: readonly string[]): void {
    found.forEach((path) => this.#remove(prefix, path, -1));
    const folder = this.#paths.ofRecord(prefix.slice(0, -1));
    if (!this.#paths.recordFolders.includes(folder) && this.#fact(folder) !== 'absent') {
      this.#remove(prefix, folder, -1);
    }
  }

  require(key: string, expected: number | 'absent'): void {
    const path = this.#paths.ofRecord(key);
    if (expected === 'absent') {
      // ZooKeeper has no check for it: what can be made is not there, and what is deleted again leaves nothing.
      this.#make(key, path, new Uint8Array(0));
      this.#remove(key, path, -1);
    } else {
      this.#versioned(key, this.#fact(path), expected, (version) => this.#add(key, { kind: 'check', path, version }));
    }
  }

  /** A version of a record is one of its node as long as the node is as it was found. */
  #versioned(key: string, fact: Fact, expected: number, then: (version: number) => void): void {
    if (fact === 'absent' || fact === 'made' || recordVersionOf(fact) !== expected) {
      this.conflict ??= key;
    } else {
      then(fact.version);
    }
  }

  #make(key: string, path: string, data: Uint8Array): void {
    for (const folder of foldersOf(this.#paths, path)) {
      if (this.#fact(folder) === 'absent') {
        this.#add(key, { kind: 'create', path: folder, data: new Uint8Array(0) });
        this.#facts.set(folder, 'made');
      }
    }
    this.#add(key, { kind: 'create', path, data });
    this.#facts.set(path, 'made');
  }

  #remove(key: string, path: string, version: number): void {
    this.#add(key, { kind: 'delete', path, version });
    this.#facts.set(path, 'absent');
  }

  #add(key: string, operation: MultiOperation): void {
    this.operations.push(operation);
    this.keys.push(key);
  }

  #fact(path: string): Fact {
    return this.#facts.get(path) ?? 'absent';
  }
}

/** Those between a record and the folders that are always there. */
const foldersOf = (paths: StorePaths, path: string): readonly string[] =>
  parentsOf(path).filter((folder) => paths.recordFolders.some((one) => folder.startsWith(`${one}/`)));

const factsOf = async (
  client: ZooKeeperClient,
  paths: StorePaths,
  changes: readonly RecordChange[],
): Promise<Map<string, Fact>> => {
  const wanted = new Set(
    changes.flatMap((change) => {
      const path = paths.ofRecord(change.kind === 'delete-all' ? change.prefix.slice(0, -1) : change.key);
      return [...foldersOf(paths, path), path];
    }),
  );
  const all = [...wanted];
  const stats = await together(...all.map((path) => client.exists(path)));
  return new Map(all.map((path, index) => [path, stats[index] ?? 'absent']));
};

const belowAll = async (
  client: ZooKeeperClient,
  paths: StorePaths,
  changes: readonly RecordChange[],
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const prefixes = changes.flatMap((change) => (change.kind === 'delete-all' ? [change.prefix] : []));
  prefixes.forEach((prefix) => assert(prefix.endsWith('/'), `${prefix} is no folder of records`));
  const found = await together(...prefixes.map((prefix) => pathsBelow(client, paths.ofRecord(prefix.slice(0, -1)))));
  return new Map(prefixes.map((prefix, index) => [prefix, found[index] ?? []]));
};
