import type { Acl, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { parentOf } from '../client/paths.ts';
import { isCode } from './patience.ts';

/** Makes a persistent node, and those above it that are not there. One that is there stays as it is. */
export const makeNode = async (
  client: ZooKeeperClient,
  path: string,
  data: Uint8Array,
  acl: readonly Acl[] | undefined,
): Promise<void> => {
  for (;;) {
    try {
      await client.create(path, data, acl === undefined ? {} : { acl });
      return;
    } catch (error) {
      if (isCode(error, 'NODE_EXISTS')) {
        return;
      }
      const parent = parentOf(path);
      if (!isCode(error, 'NO_NODE') || parent === undefined || parent === '/') {
        throw error;
      }
      // The deepest first: above it this session may have no right to make anything.
      await makeNode(client, parent, new Uint8Array(0), acl);
    }
  }
};
