import type { Fence } from '../../../foundation/common/fence.ts';
import { attemptId, type AttemptRef } from '../../../foundation/common/ids.ts';
import {
  jobManagerProtocol,
  taskManagerProtocol,
  type JobManagerProtocol,
  type TaskManagerProtocol,
  type TaskManagerRegistration,
} from '../../protocol/cluster-protocol.ts';
import type { AttemptReport, TaskState } from '../../protocol/task-commands.ts';
import { anyPort } from '../../rpc/port-range.ts';
import { formatAddress, parseAddress } from '../../rpc/rpc-address.ts';
import type { RpcConnection } from '../../rpc/rpc-connection.ts';
import type { RpcService } from '../../rpc/rpc-protocol.ts';
import { accepted, type RpcListener, type RpcTransport } from '../../rpc/rpc-transport.ts';

/** Answers as a TaskManager does, and runs nothing: what it is told to deploy is in its table. */
export class FakeTaskManager {
  readonly name: string;
  readonly instanceId: string;
  readonly heard: { readonly kind: string; readonly [detail: string]: unknown }[] = [];
  readonly table = new Map<string, AttemptReport>();
  connection: RpcConnection<JobManagerProtocol> | undefined;
  fence: Fence | undefined;
  /** What it puts into its registrations. */
  knownFence: Fence | undefined;
  knownLeader: string | undefined;
  readonly #transport: RpcTransport;
  readonly #slots: number;
  #address = '';
  #listener: RpcListener | undefined;

  constructor(transport: RpcTransport, name: string, slots: number, instanceId = `${name}-instance`) {
    this.#transport = transport;
    this.name = name;
    this.#slots = slots;
    this.instanceId = instanceId;
  }

  async listen(host: string): Promise<void> {
    const service: RpcService<TaskManagerProtocol, JobManagerProtocol> = this.#service();
    this.#listener = await this.#transport.listen({
      host,
      ports: anyPort,
      portsKey: 'taskmanager.rpc.port',
      accept: () => accepted(service, () => {}),
    });
    this.#address = formatAddress(this.#listener.address);
  }

  async close(): Promise<void> {
    this.connection?.close();
    await this.#listener?.close();
  }

  connect(jobManager: string): Promise<RpcConnection<JobManagerProtocol>> {
    return this.#transport.connect(parseAddress(jobManager), this.#service());
  }

  /** Connects, registers with its table. */
  async register(jobManager: string): Promise<void> {
    const connection = await this.connect(jobManager);
    const { fence } = await connection.call('registerTaskManager', {
      registration: this.#registration(),
      fence: this.knownFence,
      ...(this.knownLeader === undefined ? {} : { leader: this.knownLeader }),
      attempts: [...this.table.values()],
    });
    this.connection = connection;
    this.fence = fence;
  }

  /** An attempt of its table changes its state, and the leader hears of it. */
  switchTo(attempt: AttemptRef, state: TaskState): void {
    const line = this.table.get(attemptId(attempt));
    if (line === undefined || this.fence === undefined) {
      throw new Error('it does not run that attempt, or has no leader');
    }
    this.table.set(attemptId(attempt), { ...line, state });
    this.connection?.send('taskReport', {
      fence: this.fence,
      job: attempt.job,
      report: { kind: 'state', attempt: attemptId(attempt), state },
    });
  }

  /** Everything that was deployed runs. */
  run(): void {
    for (const { attempt, state } of this.table.values()) {
      if (state === 'DEPLOYING') {
        this.switchTo(attempt, 'INITIALIZING');
        this.switchTo(attempt, 'RUNNING');
      }
    }
  }

  adopt(attempt: AttemptRef, slot: number, state: TaskState = 'RUNNING'): void {
    this.table.set(attemptId(attempt), {
      attempt,
      slot,
      state,
      ended: false,
      drained: false,
      completedId: 0,
      highestId: 0,
      readers: [],
    });
  }

  #registration(): TaskManagerRegistration {
    const { host, port } = parseAddress(this.#address);
    const data = Array.from({ length: this.#slots }, (_, thread) => ({
      host,
      port,
      instanceId: this.instanceId,
      thread,
    }));
    return {
      resourceId: this.name,
      instanceId: this.instanceId,
      rpcAddress: this.#address,
      slots: this.#slots,
      data,
      memoryBytes: 1,
      cores: 1,
    };
  }

  #service(): RpcService<TaskManagerProtocol, JobManagerProtocol> {
    return {
      serves: taskManagerProtocol,
      calls: jobManagerProtocol,
      handlers: {
        deploy: ({ deployments }) => {
          for (const { attempt, slot } of deployments) {
            this.heard.push({ kind: 'deploy', attempt: attemptId(attempt), slot });
            this.adopt(attempt, slot, 'DEPLOYING');
          }
        },
        command: ({ attempt, command }) => this.heard.push({ attempt, command, kind: command.kind }),
        releaseJob: ({ job }) => {
          this.heard.push({ kind: 'release', job });
          [...this.table].filter(([, line]) => line.attempt.job === job).forEach(([id]) => this.table.delete(id));
        },
        ping: ({ fence }) => {
          this.heard.push({ kind: 'ping', epoch: fence.epoch });
          return { fence };
        },
        probe: ({ targets }) => ({ network: 'sim', outcomes: targets.map(() => ({})) }),
        heartbeat: (_, connection) => void connection.send('heartbeat', undefined),
      },
    };
  }
}
