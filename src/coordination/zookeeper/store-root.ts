import type { z } from 'zod';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Random } from '../../foundation/common/random.ts';
import { newUuid } from '../uuid.ts';
import type { ZooKeeperClient } from './client/zookeeper-client.ts';
import { decodeNode, encodeNode, epochSchema, NO_SUSPICIONS, storageSchema } from './leader-nodes.ts';
import { pathsBelow } from './record-nodes.ts';
import { ifThere, isCode, storeCall, together } from './store-call.ts';
import { EXECUTION_PLANS_PATH, parentsOf, storePathsOf, type StorePaths } from './store-paths.ts';

export interface StoreRootOptions {
  readonly client: ZooKeeperClient;
  readonly paths: StorePaths;
  readonly random: Random;
  /** What `high-availability.storageDir` is in this process; who comes with another one belongs to another cluster. */
  readonly storage: string;
  /** `undefined`: this process never makes the store, it waits for one that does. Rejects where a new store would be wrong (R12). */
  readonly beforeCreation: (() => Promise<void>) | undefined;
}

/**
 * The lineage of the store, which is made if there is none: its folders, and last the node that says that it is there. Several
 * processes may do so at once, or stop half way: who comes next goes on.
 */
export const openStoreRoot = (options: StoreRootOptions): Promise<string> =>
  storeCall(async () => {
    const { paths, beforeCreation } = options;
    const found = await readLineage(options);
    if (found !== undefined) {
      return found;
    }
    if (beforeCreation === undefined) {
      throw new MillraceError(
        'STORE_AWAY',
        `there is no HA store at ${paths.root} in ZooKeeper yet: no JobManager of this cluster has been started there`,
        { retryable: true },
      );
    }
    try {
      await beforeCreation();
    } catch (error) {
      // What speaks against a new store does not count once another process has made it, a moment ago perhaps.
      const made = await readLineage(options, 'write');
      if (made === undefined) {
        throw error;
      }
      return made;
    }
    return makeRoot(options);
  });

/**
 * Deletes all of the store, what says that it is there last, and the folders above it where nothing else is in them. Of the folder itself
 * only what is the store's own: another cluster may be below it, one with an id that goes on from this one's.
 */
export const deleteStoreRoot = (client: ZooKeeperClient, paths: StorePaths): Promise<void> =>
  storeCall(async () => {
    const { root, leader, epoch, foldersBetween, recordFolders } = paths;
    await client.sync(root);
    const found = await together(...[...recordFolders, leader].map((path) => pathsBelow(client, path)));
    const below = found.flat().filter((path) => path !== epoch);
    for (const path of [...below, ...recordFolders]) {
      await ifThere(client.delete(path));
    }
    await deleteEmpty(client, foldersBetween.toReversed());
    for (const path of [epoch, leader]) {
      await ifThere(client.delete(path));
    }
    await deleteEmpty(client, [root, ...parentsOf(root).toReversed()]);
  });

/** Up to the first that has something in it, or that is another's. */
const deleteEmpty = async (client: ZooKeeperClient, upwards: readonly string[]): Promise<void> => {
  for (const path of upwards) {
    try {
      await ifThere(client.delete(path));
    } catch (error) {
      if (isCode(error, 'NOT_EMPTY', 'NO_AUTH')) {
        return;
      }
      throw error;
    }
  }
};

/**
 * As of some moment after the call where it is read behind a write, one that changes nothing; behind a sync it may be older by a moment.
 * Errors: STORE_IN_USE where it is the store of a cluster with another `storageDir`.
 */
const readLineage = async (
  { client, paths, storage }: StoreRootOptions,
  behind: 'sync' | 'write' = 'sync',
): Promise<string | undefined> => {
  const { root } = paths;
  const [, node, owner] = await together(
    behind === 'sync' ? client.sync(root) : client.multi([{ kind: 'check', path: root, version: -1 }]),
    ifThere(client.get(paths.epoch)),
    ifThere(client.get(paths.storage)),
  );
  if (owner !== undefined) {
    requireSame(paths, storage, decodeNode(storageSchema, owner.data, paths.storage));
  }
  return node === undefined ? undefined : decodeNode(epochSchema, node.data, paths.epoch).lineage;
};

/** Who looked for jobs elsewhere would find none, and begin anew. */
const requireSame = (paths: StorePaths, storage: string, theirs: z.infer<typeof storageSchema>): void => {
  const { folder, executionPlans = EXECUTION_PLANS_PATH } = theirs;
  const store = `the HA store at ${paths.root} in ZooKeeper belongs to a cluster that keeps its`;
  if (folder !== storage) {
    throw new MillraceError(
      'STORE_IN_USE',
      `${store} data in ${folder}, not in ${storage}; ` +
        'name the same folder in high-availability.storageDir, or another name for this cluster in high-availability.cluster-id',
    );
  }
  if (executionPlans !== paths.executionPlans) {
    throw new MillraceError(
      'STORE_IN_USE',
      `${store} jobs in ${executionPlans}, not in ${paths.executionPlans}; ` +
        'name the same node in high-availability.zookeeper.path.execution-plans, or another name for this cluster in high-availability.cluster-id',
    );
  }
};

const ownFolders = ({ leader, recordFolders }: StorePaths): readonly string[] => [leader, ...recordFolders];

const areNested = (one: string, other: string): boolean => one === other || one.startsWith(`${other}/`);

/** Of the store that has its root there; `undefined`: there is none, or it is not for this session to see. */
const readPaths = async (client: ZooKeeperClient, root: string): Promise<StorePaths | undefined> => {
  const { storage } = storePathsOf(root);
  try {
    const node = await ifThere(client.get(storage));
    return node && storePathsOf(root, decodeNode(storageSchema, node.data, storage).executionPlans);
  } catch (error) {
    if (isCode(error, 'NO_AUTH')) {
      return undefined;
    }
    throw error;
  }
};

/** Cluster ids may go on from each other, but no store may have its folders in one of another's: its nodes would be taken for jobs. */
const requireRoom = async (client: ZooKeeperClient, paths: StorePaths): Promise<void> => {
  const { root, executionPlans, foldersBetween } = paths;
  const roots = [...parentsOf(root), ...foldersBetween, root + executionPlans];
  const theirs = await together(...roots.map((other) => readPaths(client, other)));
  for (const [index, other] of roots.entries()) {
    const taken = (theirs[index] === undefined ? [] : ownFolders(theirs[index])).find((folder) =>
      ownFolders(paths).some((own) => areNested(own, folder) || areNested(folder, own)),
    );
    if (taken !== undefined) {
      throw new MillraceError(
        'STORE_IN_USE',
        `there is no room for an HA store at ${root} in ZooKeeper: the cluster at ${other} has ${taken}; ` +
          'name another high-availability.cluster-id, or another node in high-availability.zookeeper.path.execution-plans',
      );
    }
  }
};

const makeRoot = async (options: StoreRootOptions): Promise<string> => {
  const { client, paths, random, storage } = options;
  await requireRoom(client, paths);
  const { root, leader, latches, suspicions, epoch, foldersBetween, recordFolders, executionPlans } = paths;
  const empty = new Uint8Array(0);
  for (const path of [...parentsOf(root), root, leader, latches, ...foldersBetween, ...recordFolders]) {
    await unlessThere(client.create(path, empty));
  }
  await unlessThere(
    client.create(
      paths.storage,
      encodeNode({ folder: storage, ...(executionPlans === EXECUTION_PLANS_PATH ? {} : { executionPlans }) }),
    ),
  );
  await unlessThere(client.create(suspicions, encodeNode(NO_SUSPICIONS)));
  const lineage = newUuid(random);
  const nobody = { lineage, epoch: 0, sessionId: '', grantedAtMs: 0, latch: '' };
  await unlessThere(client.create(epoch, encodeNode(nobody)));
  const made = await readLineage(options);
  if (made === undefined) {
    throw new MillraceError('STORE_AWAY', `the HA store at ${root} was deleted while it was made`, { retryable: true });
  }
  return made;
};

const unlessThere = async (create: Promise<unknown>): Promise<void> => {
  try {
    await create;
  } catch (error) {
    if (!isCode(error, 'NODE_EXISTS')) {
      throw error;
    }
  }
};
