import type { LeaderRetrieval } from '../../../coordination/leader-retrieval.ts';
import type { LeaderInformation } from '../../../coordination/leadership.ts';
import type { Subscription } from '../../../coordination/subscription.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { MillraceError } from '../../../foundation/common/errors.ts';
import type { Fence } from '../../../foundation/common/fence.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import {
  jobManagerProtocol,
  taskManagerProtocol,
  type JobManagerProtocol,
  type TaskManagerProtocol,
} from '../../protocol/cluster-protocol.ts';
import type { Hello } from '../../rpc/hello.ts';
import { anyPort } from '../../rpc/port-range.ts';
import { formatAddress } from '../../rpc/rpc-address.ts';
import type { RpcConnection } from '../../rpc/rpc-connection.ts';
import { defaultLimits } from '../../rpc/rpc-limits.ts';
import type { RequestOf, RpcService } from '../../rpc/rpc-protocol.ts';
import type { RpcContext } from '../../rpc/rpc-context.ts';
import { accepted, type RpcListener, type RpcTransport } from '../../rpc/rpc-transport.ts';

export type Registering = RequestOf<JobManagerProtocol, 'registerTaskManager'>;

export const contextOf = (clock: Clock, role: Hello['role'], name: string): RpcContext => ({
  clock,
  logger: silentLogger,
  limits: defaultLimits,
  self: () => ({
    protocolVersion: 1,
    packageVersion: '0.1.0',
    clusterId: 'test',
    role,
    instanceId: `${name}-instance`,
    resourceId: name,
  }),
});

/** A JobManager that only notes what TaskManagers say. */
export class FakeLeader {
  readonly fence: Fence;
  readonly registrations: Registering[] = [];
  /** Everything that came, in order. */
  readonly received: string[] = [];
  readonly closed: string[] = [];
  /** Errors that the next registrations are answered with. */
  readonly refusals: MillraceError[] = [];
  /** Makes answers wait for the test. */
  answering: Promise<void> | undefined;
  /** The newest one. */
  connection: RpcConnection<TaskManagerProtocol> | undefined;
  #listener: RpcListener | undefined;
  readonly #instanceId: string;

  constructor(fence: Fence) {
    this.fence = fence;
    this.#instanceId = `jm-${fence.lineage}-${fence.epoch}`;
  }

  async listen(transport: RpcTransport): Promise<void> {
    this.#listener = await transport.listen({
      host: 'any',
      ports: anyPort,
      portsKey: 'jobmanager.rpc.port',
      accept: () =>
        accepted(this.#service, (connection) => {
          this.connection = connection;
          void connection.closed.then((reason) => this.closed.push(JSON.stringify(reason)));
        }),
    });
  }

  get information(): LeaderInformation {
    const rpcAddress = formatAddress(this.#listener!.address);
    return {
      leadership: { ...this.fence, sessionId: `session-${this.fence.epoch}`, grantedAtMs: 0 },
      endpoints: { instanceId: this.#instanceId, rpcAddress, restAddress: 'http://none' },
      isPublished: true,
      falseAlarms: 0,
    };
  }

  readonly #service: RpcService<JobManagerProtocol, TaskManagerProtocol> = {
    serves: jobManagerProtocol,
    calls: taskManagerProtocol,
    handlers: {
      registerTaskManager: async (request) => {
        this.registrations.push(request);
        this.received.push(`register ${request.attempts.map(({ state }) => state).join(' ')}`.trimEnd());
        const refusal = this.refusals.shift();
        await this.answering;
        if (refusal !== undefined) {
          throw refusal;
        }
        return { fence: this.fence };
      },
      taskReport: ({ report, fence }) => {
        const state = report.kind === 'state' ? ` ${report.state}` : '';
        this.received.push(`${report.kind}${state} for epoch ${fence.epoch}`);
      },
      taskMetrics: ({ job, metrics }) => void this.received.push(`metrics ${job} ${metrics.length}`),
      dataLocations: () => void this.received.push('locations'),
      heartbeat: () => void this.received.push('heartbeat'),
    },
  };
}

/** The store, as far as it says who leads. */
export class FakeRetrieval implements LeaderRetrieval {
  current: LeaderInformation | undefined;
  /** Of `read`. */
  reads = 0;
  readonly #listeners = new Set<(leader: LeaderInformation | undefined) => void>();

  read(): Promise<LeaderInformation | undefined> {
    this.reads++;
    return Promise.resolve(this.current);
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription {
    this.#listeners.add(listener);
    listener(this.current);
    return { end: () => this.#listeners.delete(listener) };
  }

  name(leader: LeaderInformation | undefined): void {
    this.current = leader;
    this.#listeners.forEach((listener) => listener(leader));
  }
}
