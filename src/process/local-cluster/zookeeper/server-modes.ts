import { askEnsemble } from '../../../coordination/zookeeper/ensemble/ensemble-status.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { ProcessRecord } from '../cluster-folder.ts';

const SERVING: readonly string[] = ['leader', 'follower', 'standalone'];

/** What each ZooKeeper server of a cluster says that it is, by the name of its process: `leader`, `unreachable` and the like. */
export const serverModes = async (
  records: readonly Pick<ProcessRecord, 'name' | 'clientPort'>[],
  clock: Clock,
): Promise<ReadonlyMap<string, string>> => {
  const ports = new Map(
    records.flatMap(({ name, clientPort }) => (clientPort === undefined ? [] : [[clientPort, name]])),
  );
  const servers = [...ports.keys()].map((port) => ({ host: '127.0.0.1', port }));
  const { servers: said } = await askEnsemble({ servers, clock });
  return new Map(said.map(({ mode }, index) => [ports.get(servers[index]?.port ?? 0) ?? '', mode]));
};

/** Whether all of them serve. */
export const allServe = async (records: Parameters<typeof serverModes>[0], clock: Clock): Promise<boolean> =>
  [...(await serverModes(records, clock)).values()].every((mode) => SERVING.includes(mode));
