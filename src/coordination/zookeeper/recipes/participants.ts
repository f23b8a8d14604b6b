import { childOf } from '../client/paths.ts';
import type { ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ifThere, settledChildren } from './patience.ts';
import { inOrder } from './queue-names.ts';

/** One that queues for leadership. */
export interface Participant {
  /** Of its node. */
  readonly path: string;
  readonly data: Uint8Array;
  /** Grows from one leader to the next; see `HeldLock.token`. */
  readonly token: bigint;
  /** Id of the session that ends its place. */
  readonly session: bigint;
}

export const LATCH = 'latch';

/** In the order of the queue, the leader first; as of some moment after the call. */
export const participantsAt = async (client: ZooKeeperClient, path: string): Promise<readonly Participant[]> => {
  const names = await settledChildren(client, path);
  const reads = inOrder(names, LATCH).map((name) => readParticipant(client, childOf(path, name)));
  return (await Promise.all(reads)).filter((one) => one !== undefined);
};

/** `undefined`: it has left. `changed` hears once of its end, or of a change of its data. */
export const readParticipant = async (
  client: ZooKeeperClient,
  path: string,
  changed?: () => void,
): Promise<Participant | undefined> => {
  const node = await ifThere(client.get(path, changed));
  return node && { path, data: node.data, token: node.stat.createdIn, session: node.stat.ephemeralOwner };
};
