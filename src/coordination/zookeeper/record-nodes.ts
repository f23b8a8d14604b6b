import { MillraceError } from '../../foundation/common/errors.ts';
import type { StoredRecord } from '../records/record-store.ts';
import type { Stat, ZooKeeperClient } from './client/zookeeper-client.ts';
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
  client: ZooKeeperClient,
  paths: StorePaths,
  key: string,
): Promise<StoredRecord | undefined> => {
  const node = await ifThere(client.get(paths.ofRecord(key)));
  return node === undefined || !isRecord(node.stat) ? undefined : recordOf(key, node);
};

/** All below the folder, ascending by key, as of one moment: read until a second look finds all as the first one did. */
export const listRecords = async (
  client: ZooKeeperClient,
  paths: StorePaths,
  folder: string,
): Promise<readonly StoredRecord[]> => {
  const path = paths.ofRecord(folder);
  for (let left = ATTEMPTS; left > 0; left--) {
    const nodes = await nodesBelow(client, path);
    if (await isUnchanged(client, path, nodes)) {
      const records = nodes.flatMap(({ path: at, node }) =>
        node !== undefined && isRecord(node.stat) ? [recordOf(paths.keyOf(at), node)] : [],
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

const nodesBelow = async (client: ZooKeeperClient, path: string): Promise<readonly FoundNode[]> => {
  const names = (await ifThere(client.children(path)))?.names ?? [];
  const found = await together(
    ...names.map(async (name): Promise<FoundNode> => {
      const at = `${path}/${name}`;
      return { path: at, node: await ifThere(client.get(at)) };
    }),
  );
  const below = await together(
    ...found.map(({ path: at, node }) =>
      node !== undefined && node.stat.childrenCount > 0 ? nodesBelow(client, at) : Promise.resolve([]),
    ),
  );
  return [...found, ...below.flat()];
};

const isUnchanged = async (client: ZooKeeperClient, path: string, nodes: readonly FoundNode[]): Promise<boolean> => {
  const [names, ...stats] = await together(
    ifThere(client.children(path)),
    ...nodes.map(({ path: at }) => client.exists(at)),
  );
  const top = nodes.filter(({ path: at }) => !at.slice(path.length + 1).includes('/'));
  return (
    (names?.names.length ?? 0) === top.length &&
    nodes.every(({ node }, index) => {
      const stat = stats[index];
      return (
        node !== undefined &&
        stat?.modifiedIn === node.stat.modifiedIn &&
        stat.childrenModifiedIn === node.stat.childrenModifiedIn
      );
    })
  );
};

const recordOf = (key: string, { data, stat }: { readonly data: Uint8Array; readonly stat: Stat }): StoredRecord => ({
  key,
  value: Buffer.from(data).toString(),
  version: recordVersionOf(stat),
});
