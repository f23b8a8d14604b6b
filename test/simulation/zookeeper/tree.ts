import { present } from '../../../src/foundation/common/assert.ts';
import type { Acl, Stat } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';

/** One change of one node, all that was open about it decided: replicas carry it out without a question. */
export type Delta =
  | {
      readonly kind: 'create';
      readonly path: string;
      readonly data: Uint8Array;
      readonly owner: bigint;
      readonly acl: readonly Acl[];
    }
  | { readonly kind: 'set'; readonly path: string; readonly data: Uint8Array }
  | { readonly kind: 'acl'; readonly path: string; readonly acl: readonly Acl[] }
  | { readonly kind: 'delete'; readonly path: string };

/** What the ensemble has agreed on, all or nothing. */
export interface Committed {
  readonly zxid: bigint;
  readonly atMs: number;
  readonly deltas: readonly Delta[];
}

export interface TreeNode {
  readonly data: Uint8Array;
  readonly acl: readonly Acl[];
  readonly owner: bigint;
  readonly createdIn: bigint;
  readonly createdAtMs: number;
  readonly modifiedIn: bigint;
  readonly modifiedAtMs: number;
  readonly version: number;
  readonly aclVersion: number;
  /** Children that were ever made here: the next number of a sequential one. */
  readonly creations: number;
  readonly childrenModifiedIn: bigint;
  readonly children: ReadonlySet<string>;
}

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The nodes, as one server has them. */
export class Tree {
  readonly #nodes: Map<string, TreeNode>;

  constructor(nodes: ReadonlyMap<string, TreeNode> = new Map([['/', EMPTY]])) {
    this.#nodes = new Map(nodes);
  }

  get(path: string): TreeNode | undefined {
    return this.#nodes.get(path);
  }

  /** Ascending by path. */
  paths(below: string): readonly string[] {
    const prefix = below === '/' ? '/' : `${below}/`;
    return [...this.#nodes.keys()].filter((path) => path === below || path.startsWith(prefix)).sort();
  }

  ephemeralsOf(session: bigint): readonly string[] {
    return [...this.#nodes].flatMap(([path, { owner }]) => (owner === session ? [path] : [])).sort();
  }

  copy(): Tree {
    return new Tree(this.#nodes);
  }

  /** Returns what takes it back, as long as nothing else was changed since. */
  apply(delta: Delta, zxid: bigint, atMs: number): () => void {
    switch (delta.kind) {
      case 'create': {
        const { path, data, acl, owner } = delta;
        const made = {
          createdIn: zxid,
          createdAtMs: atMs,
          modifiedIn: zxid,
          modifiedAtMs: atMs,
          childrenModifiedIn: zxid,
        };
        const undoParent = this.#changeChildren(path, zxid, (names) => names.add(nameOf(path)), 1);
        const undo = this.#put(path, { ...EMPTY, ...made, data, acl, owner });
        return () => {
          undo();
          undoParent();
        };
      }
      case 'delete': {
        const undoParent = this.#changeChildren(delta.path, zxid, (names) => names.delete(nameOf(delta.path)), 0);
        const undo = this.#put(delta.path, undefined);
        return () => {
          undo();
          undoParent();
        };
      }
      case 'set': {
        const node = this.#present(delta.path);
        const version = node.version + 1;
        return this.#put(delta.path, { ...node, data: delta.data, version, modifiedIn: zxid, modifiedAtMs: atMs });
      }
      case 'acl': {
        const node = this.#present(delta.path);
        return this.#put(delta.path, { ...node, acl: delta.acl, aclVersion: node.aclVersion + 1 });
      }
    }
  }

  #changeChildren(path: string, zxid: bigint, change: (names: Set<string>) => void, creations: number): () => void {
    const parent = this.#present(parentOf(path));
    const children = new Set(parent.children);
    change(children);
    return this.#put(parentOf(path), {
      ...parent,
      children,
      creations: parent.creations + creations,
      childrenModifiedIn: zxid,
    });
  }

  #put(path: string, node: TreeNode | undefined): () => void {
    const before = this.#nodes.get(path);
    const set = (value: TreeNode | undefined): void => {
      if (value === undefined) {
        this.#nodes.delete(path);
      } else {
        this.#nodes.set(path, value);
      }
    };
    set(node);
    return () => set(before);
  }

  #present(path: string): TreeNode {
    return present(this.#nodes.get(path), `node ${path}`);
  }
}

export const statOf = (node: TreeNode): Stat => ({
  createdIn: node.createdIn,
  modifiedIn: node.modifiedIn,
  createdAtMs: node.createdAtMs,
  modifiedAtMs: node.modifiedAtMs,
  version: node.version,
  // ZooKeeper counts children that came, and shows those that came and went.
  childrenVersion: 2 * node.creations - node.children.size,
  aclVersion: node.aclVersion,
  ephemeralOwner: node.owner,
  dataLength: node.data.length,
  childrenCount: node.children.size,
  childrenModifiedIn: node.childrenModifiedIn,
});

export const OPEN_ACL: readonly Acl[] = [
  { scheme: 'world', id: 'anyone', permissions: ['read', 'write', 'create', 'delete', 'admin'] },
];

const EMPTY: TreeNode = {
  data: new Uint8Array(0),
  acl: OPEN_ACL,
  owner: 0n,
  createdIn: 0n,
  createdAtMs: 0,
  modifiedIn: 0n,
  modifiedAtMs: 0,
  version: 0,
  aclVersion: 0,
  creations: 0,
  childrenModifiedIn: 0n,
  children: new Set(),
};
