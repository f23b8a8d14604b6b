import { MillraceError } from '../../foundation/common/errors.ts';
import type { StoredRecord } from '../records/record-store.ts';
import type { Stat, ZooKeeperClient } from './client/zookeeper-client.ts';
import type { GroupedReads } from './grouped-reads.ts';
import type { SeenRecords } from './seen-records.ts';
import { ifThere, together } from './store-call.ts';
import type { StorePaths } from './store-paths.ts';

/** So often a list is read that changes meanwhile. */
const ATTEMPTS = 20;

/**
 * The version of a record: the transaction that wrote it. A node that is deleted and made anew begins again with version 0 of
 * ZooKeeper's, transactions do not. The upper 32 bits count elections of the ensemble, of which two million fit.
 */
export const recordVersionOf = ({ modifiedIn }: Stat): number => {
  const version = Number(modifiedIn);
  if (!Number.isSafeInteger(version)) {
    throw new MillraceError('STORE_BROKEN', `ZooKeeper has come to transaction ${modifiedIn}, which is no safe number`);
  }
  return version;
};

/** Folders are nodes without data, records have some. */
const isRecord = ({ dataLength }: Stat): boolean => dataLength > 0;

export const readRecord = async (
  reads: GroupedReads,
  paths: StorePaths,
  seen: SeenRecords,
  key: string,
): Promise<StoredRecord | undefined> => {
  const node = await reads.get(paths.ofRecord(key));
  return node === undefined || !isRecord(node.stat) ? undefined : recordOf(seen, key, node);
};

/** All below the folder, ascending by key, as of one moment: read until a second look finds all as the first one did. */
export const listRecords = async (
  reads: GroupedReads,
  paths: StorePaths,
  seen: SeenRecords,
  folder: string,
): Promise<readonly StoredRecord[]> => {
  const path = paths.ofRecord(folder);
  for (let left = ATTEMPTS; left > 0; left--) {
    const nodes = await nodesBelow(reads, path);
    if (await isUnchanged(reads, path, nodes)) {
      const records = nodes.flatMap(({ path: at, node }) =>
        node !== undefined && isRecord(node.stat) ? [recordOf(seen, paths.keyOf(at), node)] : [],
      );
      return records.sort((one, other) => (one.key < other.key ? -1 : 1));
    }
  }
  throw new MillraceError(
    'STORE_AWAY',
    `what is below ${path} in ZooKeeper changed again and again while it was read`,
    {
      retryable: true,
    },
  );
};

/** Paths of all nodes below a path, those of a folder after what is in it; without the path itself. */
export const pathsBelow = async (client: ZooKeeperClient, path: string): Promise<readonly string[]> => {
  const names = (await ifThere(client.children(path)))?.names ?? [];
  const below = await together(...names.map((name) => pathsBelow(client, `${path}/${name}`)));
  return names.flatMap((name, index) => [...(below[index] ?? []), `${path}/${name}`]);
};

interface FoundNode {
  readonly path: string;
  /** `undefined`: it went meanwhile. */
  readonly node: { readonly data: Uint8Array; readonly stat: Stat } | undefined;
}

const nodesBelow = async (reads: GroupedReads, path: string): Promise<readonly FoundNode[]> => {
  const names = (await reads.children(path)) ?? [];
  const found = await together(
    ...names.map(async (name): Promise<readonly FoundNode[]> => {
      const at = `${path}/${name}`;
      const [node, below] = await together(reads.get(at), nodesBelow(reads, at));
      return [{ path: at, node }, ...below];
    }),
  );
  return found.flat();
};

const isUnchanged = async (reads: GroupedReads, path: string, nodes: readonly FoundNode[]): Promise<boolean> => {
  const [names = [], ...again] = await together(reads.children(path), ...nodes.map(({ path: at }) => reads.get(at)));
  const top = nodes.filter(({ path: at }) => !at.slice(path.length + 1).includes('/'));
  return (
    names.length === top.length &&
    nodes.every(({ node }, index) => {
      const stat = again[index]?.stat;
      return (
        node !== undefined &&
        stat?.modifiedIn === node.stat.modifiedIn &&
        stat.childrenModifiedIn === node.stat.childrenModifiedIn
      );
    })
  );
};

const recordOf = (
  seen: SeenRecords,
  key: string,
  { data, stat }: { readonly data: Uint8Array; readonly stat: Stat },
): StoredRecord => seen.same(key, recordVersionOf(stat), Buffer.from(data).toString());
