import type { StandbyProtocol } from '../protocol/cluster-protocol.ts';
import type { Standbys } from '../protocol/standbys.ts';
import type { RpcConnection } from '../rpc/rpc-connection.ts';

const DESCRIBE_MS = 5_000;

/** Who stands by, as each says itself; those that do not answer are left out. Ascending by address. */
export const standbysOf = async (connections: readonly RpcConnection<StandbyProtocol>[]): Promise<Standbys> => {
  const found = await Promise.all(
    connections.map((connection) =>
      connection.call('describe', undefined, { timeoutMs: DESCRIBE_MS }).catch(() => undefined),
    ),
  );
  const standbys = found.filter((each) => each !== undefined);
  return { standbys: standbys.toSorted((one, other) => (one.rpcAddress < other.rpcAddress ? -1 : 1)) };
};
