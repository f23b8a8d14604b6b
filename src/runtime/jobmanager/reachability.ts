import type { LeaderEndpoints } from '../../coordination/leadership.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import type { StandbyProtocol } from '../protocol/cluster-protocol.ts';
import type { ProbePorts, ProbeReply, ProbeTarget, Reachability, ReachableProcess } from '../protocol/reachability.ts';
import { formatAddress } from '../rpc/rpc-address.ts';
import type { RpcConnection } from '../rpc/rpc-connection.ts';
import type { KnownTaskManager } from './resource-manager/task-manager-session.ts';

export interface ReachabilityQuestion {
  readonly own: LeaderEndpoints;
  readonly fence: Fence;
  readonly standbys: readonly RpcConnection<StandbyProtocol>[];
  readonly taskManagers: readonly KnownTaskManager[];
  readonly probePorts: ProbePorts;
}

interface Asked extends Omit<ReachableProcess, 'network'> {
  /** Rejects when it cannot be asked. */
  readonly probe: ProbePorts;
}

const DESCRIBE_MS = 5_000;
const PROBE_MS = 50_000;

/**
 * Asks every process of the cluster to try the ports that it needs of the others: JobManagers each other's and those of the control
 * plane of TaskManagers, TaskManagers the JobManagers' and each other's data ports. Standbys that do not answer are left out.
 */
export const reachabilityOf = async (question: ReachabilityQuestion): Promise<Reachability> => {
  const { own, probePorts, standbys, taskManagers, fence } = question;
  const found = await Promise.all(standbys.map(standbyOf));
  const jobManagers = [jobManagerOf(own, probePorts), ...found.filter((each) => each !== undefined)];
  const all = [...jobManagers, ...taskManagers.map((each) => taskManagerOf(each, fence))];
  const answers = await Promise.all(all.map((from) => check(from, neededBy(from, all))));
  return {
    processes: all.map(({ name, role, instanceId, ports }, index) => {
      const network = answers[index]?.network;
      return { name, role, instanceId, ports: [...ports], ...(network === undefined ? {} : { network }) };
    }),
    checks: answers.map(({ result }) => result),
  };
};

interface Answer {
  readonly network?: string;
  readonly result: Reachability['checks'][number];
}

const check = async ({ instanceId: from, probe }: Asked, targets: readonly ProbeTarget[]): Promise<Answer> => {
  try {
    const { network, outcomes } = await probe(targets);
    const tried = targets.map((target, index) => ({ target, outcome: outcomes[index] ?? {} }));
    return { network, result: { from, tried } };
  } catch (thrown) {
    return { result: { from, failure: messageOf(thrown), tried: [] } };
  }
};

const neededBy = (from: Asked, all: readonly Asked[]): readonly ProbeTarget[] =>
  all
    .filter(({ instanceId }) => instanceId !== from.instanceId)
    .flatMap((to) => to.ports.filter(({ port }) => needs(from.role, to.role, port)));

const needs = (from: Asked['role'], to: Asked['role'], port: ProbeTarget['port']): boolean =>
  from === 'jobmanager' ? port !== 'data' : to === 'jobmanager' ? port === 'rpc' : port === 'data';

const jobManagerOf = ({ instanceId, rpcAddress, restAddress }: LeaderEndpoints, probe: ProbePorts): Asked => ({
  name: rpcAddress,
  role: 'jobmanager',
  instanceId,
  ports: [
    { port: 'rpc', address: rpcAddress, instanceId },
    ...(restAddress === '' ? [] : [{ port: 'rest' as const, address: restAddress, instanceId }]),
  ],
  probe,
});

const standbyOf = async (connection: RpcConnection<StandbyProtocol>): Promise<Asked | undefined> => {
  try {
    const endpoints = await connection.call('describe', undefined, { timeoutMs: DESCRIBE_MS });
    const probe = (targets: readonly ProbeTarget[]): Promise<ProbeReply> =>
      connection.call('probe', { targets: [...targets] }, { timeoutMs: PROBE_MS });
    return jobManagerOf(endpoints, probe);
  } catch {
    return undefined;
  }
};

const taskManagerOf = ({ registration, session }: KnownTaskManager, fence: Fence): Asked => {
  const { instanceId, resourceId, rpcAddress } = registration;
  return {
    name: resourceId,
    role: 'taskmanager',
    instanceId,
    ports: [
      { port: 'rpc', address: rpcAddress, instanceId },
      ...(session?.data ?? registration.data).map((location) => ({
        port: 'data' as const,
        address: formatAddress(location),
        instanceId,
        thread: location.thread,
      })),
    ],
    probe: async (targets) => {
      if (session === undefined) {
        throw new Error('its connection to the leader is gone');
      }
      return session.connection.call('probe', { fence, targets: [...targets] }, { timeoutMs: PROBE_MS });
    },
  };
};
