import { JuteWriter } from './jute-writer.ts';
import { checkPath, type Chroot } from './paths.ts';
import { EVERYBODY, writeAcl } from './stat-codec.ts';
import { OP } from './wire-codes.ts';
import type { CreateMode, CreateOptions } from './zookeeper-client.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

const FLAGS: Readonly<Record<CreateMode, number>> = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
  container: 4,
  'persistent-ttl': 5,
  'persistent-sequential-ttl': 6,
};

/** The most that fits beside the mark of such nodes. */
const TTL_MS_MAX = 2 ** 40 - 1;

/** `plain`: the type of request for what is neither a container nor has a time to live. Throws BAD_ARGUMENTS. */
export const encodeCreate = (
  chroot: Chroot,
  path: string,
  data: Uint8Array,
  options: CreateOptions,
  plain: number,
): { readonly op: number; readonly body: Uint8Array } => {
  const { mode = 'persistent', acl = EVERYBODY, ttlMs } = options;
  const hasTtl = mode === 'persistent-ttl' || mode === 'persistent-sequential-ttl';
  checkPath('create', path, mode.includes('sequential'));
  if (hasTtl !== (ttlMs !== undefined)) {
    throw new ZooKeeperError('BAD_ARGUMENTS', 'create', path, `mode ${mode} ${hasTtl ? 'needs' : 'has no'} ttlMs`);
  }
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs > 0 && ttlMs <= TTL_MS_MAX)) {
    throw new ZooKeeperError('BAD_ARGUMENTS', 'create', path, `ttlMs is an integer from 1 to ${TTL_MS_MAX}`);
  }
  const writer = new JuteWriter(path.length + data.length + 96).string(chroot.onServer(path)).buffer(data);
  writeAcl(writer, acl);
  writer.int(FLAGS[mode]);
  if (ttlMs !== undefined) {
    writer.long(BigInt(ttlMs));
  }
  return { op: hasTtl ? OP.createTtl : mode === 'container' ? OP.createContainer : plain, body: writer.take() };
};
