import { assert } from '../../foundation/common/assert.ts';
import type { RecordChange, StoredRecord } from '../records/record-store.ts';
import type { MultiOperation, MultiResult, Stat } from './client/zookeeper-client.ts';
import type { GroupedReads } from './grouped-reads.ts';
import { recordVersionOf } from './record-nodes.ts';
import type { SeenRecords } from './seen-records.ts';
import { together } from './store-call.ts';
import type { StorePaths } from './store-paths.ts';

/** What is at a path; `undefined`: a node that this process made and has not looked at since, a multi tells no stat of those. */
export type KnownNode = Found | undefined;

interface Found {
  /** Empty: a folder. */
  readonly value: string;
  readonly nodeVersion: number;
  readonly recordVersion: number;
}

/** The nodes of `<root>/jobs/<id>` and the like, all of them by path once it is loaded. */
interface Scope {
  readonly nodes: Map<string, KnownNode>;
  readonly loaded: Promise<void>;
}

/**
 * The records under one claim, each read once and then kept with what this process writes: nobody but the leader changes records (I1),
 * and its session, which owns the latch, sees all that was written before the grant. Nothing that changes a scope is sent before the
 * scope is loaded, and a session's operations are carried out in the order of their sending; so what is loaded is whole, and what is
 * kept is the newest there is. To be thrown away with the claim, and when something was sent whose outcome is not known (R2).
 */
export class KnownRecords {
  readonly #reads: GroupedReads;
  readonly #paths: StorePaths;
  readonly #seen: SeenRecords;
  readonly #scopes = new Map<string, Scope>();
  /** Names in the folders of records. */
  readonly #folders = new Map<string, Promise<Set<string>>>();

  /** `reads`: on the session that owns the latch. */
  constructor(reads: GroupedReads, paths: StorePaths, seen: SeenRecords) {
    this.#reads = reads;
    this.#paths = paths;
    this.#seen = seen;
  }

  /** Reads all there is, in as many round trips as the tree has levels. Rejects with errors of the client; then it is read when it is needed. */
  async load(): Promise<void> {
    await together(
      ...this.#paths.recordFolders.map(async (folder) => {
        const names = await this.#namesIn(folder);
        await together(...[...names].map((name) => this.#loaded(`${folder}/${name}`)));
      }),
    );
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    const path = this.#paths.ofRecord(key);
    const { nodes } = await this.#loaded(this.#scopeOf(path));
    await this.#look(nodes, [path]);
    return this.#recordAt(path, nodes.get(path));
  }

  /** All below the folder, ascending by key. */
  async list(folder: string): Promise<readonly StoredRecord[]> {
    const path = this.#paths.ofRecord(folder);
    const scopes = this.#paths.recordFolders.includes(path)
      ? [...(await this.#namesIn(path))].map((name) => `${path}/${name}`)
      : [this.#scopeOf(path)];
    const found = await together(...scopes.map((scope) => this.#recordsBelow(scope, path)));
    return found.flat().sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  /** The nodes that changes are about, by path; those of which a version is expected have been looked at. */
  async nodesFor(changes: readonly RecordChange[]): Promise<ReadonlyMap<string, KnownNode>> {
    const pathOf = (change: RecordChange): string =>
      this.#paths.ofRecord(change.kind === 'delete-all' ? change.prefix.slice(0, -1) : change.key);
    const scopes = new Set(changes.map((change) => this.#scopeOf(pathOf(change))));
    const loaded = await together(...[...scopes].map((scope) => this.#loaded(scope)));
    const versioned = changes.filter((change) => change.kind !== 'delete-all' && typeof change.expected === 'number');
    const paths = versioned.map(pathOf);
    await together(...loaded.map(({ nodes }) => this.#look(nodes, paths)));
    return new Map(loaded.flatMap(({ nodes }) => [...nodes]));
  }

  /** These were carried out, as planned by what `nodesFor` told. */
  wrote(operations: readonly MultiOperation[], results: readonly MultiResult[]): void {
    for (const [index, operation] of operations.entries()) {
      const nodes = this.#scopes.get(this.#scopeOf(operation.path))?.nodes;
      assert(nodes !== undefined, `${operation.path} was changed and not loaded`);
      if (operation.kind === 'delete') {
        nodes.delete(operation.path);
      } else if (operation.kind !== 'check') {
        const result = results[index];
        const isTold = operation.kind === 'set' && result?.kind === 'set';
        nodes.set(operation.path, isTold ? foundOf(operation.data, result.stat) : undefined);
      }
    }
    for (const scope of new Set(operations.map(({ path }) => this.#scopeOf(path)))) {
      const isThere = this.#scopes.get(scope)!.nodes.size > 0;
      this.#name(scope, isThere);
      if (!isThere) {
        this.#scopes.delete(scope);
      }
    }
  }

  #name(scopePath: string, isThere: boolean): void {
    const at = scopePath.lastIndexOf('/');
    const name = scopePath.slice(at + 1);
    void this.#folders.get(scopePath.slice(0, at))?.then(
      (names) => (isThere ? names.add(name) : names.delete(name)),
      () => undefined,
    );
  }

  async #recordsBelow(scopePath: string, folder: string): Promise<readonly StoredRecord[]> {
    const { nodes } = await this.#loaded(scopePath);
    const paths = [...nodes.keys()].filter((path) => path.startsWith(`${folder}/`));
    await this.#look(nodes, paths);
    return paths.flatMap((path) => this.#recordAt(path, nodes.get(path)) ?? []);
  }

  #recordAt(path: string, node: KnownNode): StoredRecord | undefined {
    return node === undefined || node.value === ''
      ? undefined
      : this.#seen.same(this.#paths.keyOf(path), node.recordVersion, node.value);
  }

  /** At those that were made here. */
  async #look(nodes: Map<string, KnownNode>, paths: readonly string[]): Promise<void> {
    const unseen = paths.filter((path) => nodes.has(path) && nodes.get(path) === undefined);
    await together(
      ...unseen.map(async (path) => {
        const node = await this.#reads.get(path);
        // Not where something newer was written meanwhile.
        if (node !== undefined && nodes.has(path) && nodes.get(path) === undefined) {
          nodes.set(path, foundOf(node.data, node.stat));
        }
      }),
    );
  }

  async #loaded(scopePath: string): Promise<Scope> {
    let scope = this.#scopes.get(scopePath);
    if (scope === undefined) {
      const nodes = new Map<string, KnownNode>();
      scope = { nodes, loaded: this.#load(scopePath, nodes) };
      this.#scopes.set(scopePath, scope);
      scope.loaded.catch(() => this.#scopes.delete(scopePath));
    }
    await scope.loaded;
    return scope;
  }

  async #load(path: string, nodes: Map<string, KnownNode>): Promise<void> {
    const names = await this.#folders.get(path.slice(0, path.lastIndexOf('/')))?.catch(() => undefined);
    if (names?.has(path.slice(path.lastIndexOf('/') + 1)) === false) {
      return;
    }
    await this.#loadNode(path, nodes);
  }

  /** A round trip for each level of the tree; to ask for children that a node may not have costs less than one more. */
  async #loadNode(path: string, nodes: Map<string, KnownNode>): Promise<void> {
    const [node, names = []] = await together(this.#reads.get(path), this.#reads.children(path));
    if (node !== undefined) {
      nodes.set(path, foundOf(node.data, node.stat));
      await together(...names.map((name) => this.#loadNode(`${path}/${name}`, nodes)));
    }
  }

  #namesIn(folder: string): Promise<Set<string>> {
    let names = this.#folders.get(folder);
    if (names === undefined) {
      names = this.#reads.children(folder).then((found) => new Set(found));
      this.#folders.set(folder, names);
      names.catch(() => this.#folders.delete(folder));
    }
    return names;
  }

  /** The first two parts of a key: what one transaction changes at a time. */
  #scopeOf(path: string): string {
    return this.#paths.ofRecord(this.#paths.keyOf(path).split('/').slice(0, 2).join('/'));
  }
}

const foundOf = (data: Uint8Array, stat: Stat): Found => ({
  value: Buffer.from(data).toString(),
  nodeVersion: stat.version,
  recordVersion: recordVersionOf(stat),
});
