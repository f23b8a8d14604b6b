import type {
  CreateOptions,
  MultiOperation,
  MultiResult,
} from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { OPEN_ACL, parentOf, statOf, type Delta, type Tree } from './tree.ts';

/** Who writes, and the transaction that it is. */
export interface Writer {
  readonly session: bigint;
  readonly zxid: bigint;
  readonly atMs: number;
}

export type CarriedOut =
  | { readonly ok: true; readonly deltas: readonly Delta[]; readonly results: readonly MultiResult[] }
  | { readonly ok: false; readonly index: number; readonly error: ZooKeeperError };

const SEQUENCE_DIGITS = 10;

/** Carries out all operations on the tree, or none: each sees what those before it did. */
export const carryOut = (tree: Tree, operations: readonly MultiOperation[], writer: Writer): CarriedOut => {
  const undo: (() => void)[] = [];
  const deltas: Delta[] = [];
  const results: MultiResult[] = [];
  for (const [index, operation] of operations.entries()) {
    const decided = decide(tree, operation, writer);
    if (decided instanceof ZooKeeperError) {
      undo.toReversed().forEach((one) => one());
      return { ok: false, index, error: decided };
    }
    if (decided !== undefined) {
      deltas.push(decided);
      undo.push(tree.apply(decided, writer.zxid, writer.atMs));
    }
    results.push(resultOf(tree, operation, decided));
  }
  return { ok: true, deltas, results };
};

const decide = (tree: Tree, operation: MultiOperation, writer: Writer): Delta | undefined | ZooKeeperError => {
  const { kind, path } = operation;
  if (kind === 'create') {
    return decideCreate(tree, path, operation.data, operation.options ?? {}, writer);
  }
  const fail = (code: ZooKeeperErrorCode): ZooKeeperError => new ZooKeeperError(code, kind, path);
  const node = tree.get(path);
  if (node === undefined) {
    return fail('NO_NODE');
  }
  const version = operation.version ?? -1;
  if (version !== -1 && version !== node.version) {
    return fail('BAD_VERSION');
  }
  switch (kind) {
    case 'check':
      return undefined;
    case 'set':
      return { kind, path, data: operation.data };
    case 'delete':
      return node.children.size > 0 ? fail('NOT_EMPTY') : { kind, path };
  }
};

const decideCreate = (
  tree: Tree,
  asked: string,
  data: Uint8Array,
  { mode = 'persistent', acl = OPEN_ACL }: CreateOptions,
  { session }: Writer,
): Delta | ZooKeeperError => {
  const fail = (code: ZooKeeperErrorCode): ZooKeeperError => new ZooKeeperError(code, 'create', asked);
  const parent = tree.get(parentOf(asked));
  if (mode.includes('ttl') || mode === 'container') {
    return fail('UNIMPLEMENTED');
  }
  if (parent === undefined) {
    return fail('NO_NODE');
  }
  if (parent.owner !== 0n) {
    return fail('NO_CHILDREN_FOR_EPHEMERALS');
  }
  const path = mode.endsWith('sequential') ? asked + String(parent.creations).padStart(SEQUENCE_DIGITS, '0') : asked;
  return tree.get(path) === undefined
    ? { kind: 'create', path, data, acl, owner: mode.startsWith('ephemeral') ? session : 0n }
    : fail('NODE_EXISTS');
};

const resultOf = (tree: Tree, { kind }: MultiOperation, delta: Delta | undefined): MultiResult => {
  const node = delta === undefined ? undefined : tree.get(delta.path);
  if (delta === undefined || node === undefined) {
    return kind === 'delete' ? { kind } : { kind: 'check' };
  }
  const stat = statOf(node);
  return kind === 'create' ? { kind, path: delta.path } : { kind: 'set', stat };
};
