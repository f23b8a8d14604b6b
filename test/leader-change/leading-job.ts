import { NoneServices } from '../../src/coordination/none/none-services.ts';
import type { Candidacy } from '../../src/coordination/leader-election.ts';
import type { LeaderEndpoints, Leadership } from '../../src/coordination/leadership.ts';
import { present } from '../../src/foundation/common/assert.ts';
import { silentLogger } from '../../src/foundation/common/logger.ts';
import { systemClock } from '../../src/foundation/common/system-clock.ts';
import { systemRandom } from '../../src/foundation/common/system-random.ts';
import type { JobId } from '../../src/foundation/common/ids.ts';
import { staticSplitsEnumerator } from '../../src/pipeline/connectors/static-splits-enumerator.ts';
import { packageVersion } from '../../src/process/package-version.ts';
import type { PlannedJob } from '../../src/process/plan-job.ts';
import { FileCheckpointStorage } from '../../src/runtime/jobmanager/checkpoint-coordinator/file-checkpoint-storage.ts';
import { JobMaster } from '../../src/runtime/jobmanager/jobmaster/job-master.ts';
import type { SlotProvider, SlotRef } from '../../src/runtime/jobmanager/scheduler/slot-table.ts';
import {
  jobManagerProtocol,
  taskManagerProtocol,
  type JobManagerProtocol,
  type TaskManagerProtocol,
  type TaskManagerRegistration,
} from '../../src/runtime/protocol/cluster-protocol.ts';
import { PROTOCOL_VERSION } from '../../src/runtime/protocol/protocol-version.ts';
import type { Fence, JobProgram, TaskExecutorGateway } from '../../src/runtime/protocol/task-commands.ts';
import { anyPort } from '../../src/runtime/rpc/port-range.ts';
import { formatAddress } from '../../src/runtime/rpc/rpc-address.ts';
import type { RpcConnection } from '../../src/runtime/rpc/rpc-connection.ts';
import { defaultLimits } from '../../src/runtime/rpc/rpc-limits.ts';
import type { RpcService } from '../../src/runtime/rpc/rpc-protocol.ts';
import { accepted, type RpcListener } from '../../src/runtime/rpc/rpc-transport.ts';
import { TcpTransport } from '../../src/runtime/rpc/tcp/transport.ts';

type Connection = RpcConnection<TaskManagerProtocol>;

export interface SharedJob {
  readonly jobId: JobId;
  readonly planned: PlannedJob;
  readonly program: JobProgram;
  readonly checkpointFolder: string;
  readonly taskManagers: number;
}

/** The stores and the election that the leaders of a test share. */
export class Elections {
  readonly services = new NoneServices({ clock: systemClock, random: systemRandom });
  endpoints: LeaderEndpoints = { instanceId: 'none', rpcAddress: 'none:1', restAddress: 'http://none' };
  #candidacy: Candidacy | undefined;
  #granted = Promise.withResolvers<Leadership>();

  /** The leader before it, if any, leads no more. */
  async grant(endpoints: LeaderEndpoints): Promise<Leadership> {
    this.endpoints = endpoints;
    this.#granted = Promise.withResolvers();
    if (this.#candidacy === undefined) {
      const current = (): LeaderEndpoints => this.endpoints;
      this.#candidacy = await this.services.election.join({
        get endpoints() {
          return current();
        },
        granted: (leadership) => this.#granted.resolve(leadership),
        uncertain: () => {},
        certain: () => {},
        revoked: () => {},
      });
    } else {
      await this.#candidacy.resign();
    }
    return this.#granted.promise;
  }

  publish(leadership: Leadership): Promise<void> {
    return present(this.#candidacy, 'candidacy').publish(leadership);
  }
}

interface Registered {
  readonly registration: TaskManagerRegistration;
  readonly connection: Connection;
}

/** A leader of one job, over TCP, with the real JobMaster; slots go to it in order. */
export class LeadingJob {
  readonly jobMaster: JobMaster;
  readonly fence: Fence;
  readonly #job: SharedJob;
  readonly #listener: RpcListener;
  readonly #registered = new Map<string, Registered>();
  readonly #waiting: (() => void)[] = [];
  /** Whether reports still reach it. */
  #isDead = false;

  static async start(job: SharedJob, elections: Elections): Promise<LeadingJob> {
    const instanceId = systemRandom.hex(8);
    const transport = new TcpTransport({
      clock: systemClock,
      logger: silentLogger,
      limits: defaultLimits,
      self: () => ({
        protocolVersion: PROTOCOL_VERSION,
        packageVersion: packageVersion(),
        clusterId: 'default',
        role: 'jobmanager',
        instanceId,
        resourceId: instanceId,
      }),
    });
    let leading: LeadingJob | undefined;
    const listener = await transport.listen({
      host: '127.0.0.1',
      ports: anyPort,
      portsKey: 'jobmanager.rpc.port',
      accept: () => {
        const own = present(leading, 'leader');
        return accepted(own.#service, (connection) => void connection.closed.then(() => own.#closed(connection)));
      },
    });
    const leadership = await elections.grant({
      instanceId,
      rpcAddress: formatAddress(listener.address),
      restAddress: 'http://none',
    });
    leading = new LeadingJob(job, listener, leadership, elections);
    leading.jobMaster.start();
    await elections.publish(leadership);
    return leading;
  }

  private constructor(job: SharedJob, listener: RpcListener, leadership: Leadership, { services }: Elections) {
    const { jobId, planned, program, checkpointFolder } = job;
    const stores = services.leading(leadership);
    this.fence = { lineage: leadership.lineage, epoch: leadership.epoch };
    this.#job = job;
    this.#listener = listener;
    this.jobMaster = new JobMaster({
      jobId,
      graph: planned.translation.jobGraph,
      graphVersion: 1,
      program,
      fence: this.fence,
      slots: this.#slots(),
      locateSlot: ({ taskManager, slot }) =>
        present(this.#registered.get(taskManager)?.registration.data[slot], 'data port'),
      executors: (taskManager) => this.#gateway(taskManager),
      reconcileTimeoutMs: 30_000,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      storage: new FileCheckpointStorage({
        jobId,
        checkpointFolder,
        inlineThresholdBytes: 20_480,
        logger: silentLogger,
        random: systemRandom,
      }),
      checkpointFolder,
      checkpoints: stores.checkpoints(jobId),
      checkpointIds: stores.checkpointIds(jobId),
      records: stores.jobRecord(jobId),
      userCode: undefined,
      enumerators: [staticSplitsEnumerator],
      restore: undefined,
      restartStrategy: { kind: 'fixed-delay', attempts: 1_000, delayMs: 10 },
      failover: 'region',
    });
  }

  get completedCheckpoint(): number {
    return this.jobMaster.overview.checkpoints?.latestCompleted?.checkpointId ?? 0;
  }

  get registrations(): readonly TaskManagerRegistration[] {
    return [...this.#registered.values()].map(({ registration }) => registration);
  }

  /** One command that every TaskManager answers in order. */
  async ping(): Promise<void> {
    await Promise.all(
      [...this.#registered.values()].map(({ connection }) => connection.call('ping', { fence: this.fence })),
    );
  }

  releaseJob(): void {
    for (const { connection } of this.#registered.values()) {
      connection.send('releaseJob', { fence: this.fence, job: this.#job.jobId });
    }
  }

  /** As if its process had died: its connections close, nothing it does has an effect any more. */
  async die(): Promise<void> {
    this.#isDead = true;
    this.jobMaster.suspend();
    await this.#listener.close();
  }

  readonly #service: RpcService<JobManagerProtocol, TaskManagerProtocol> = {
    serves: jobManagerProtocol,
    calls: taskManagerProtocol,
    handlers: {
      registerTaskManager: ({ registration, attempts }, connection) => {
        this.#registered.set(registration.instanceId, { registration, connection });
        this.jobMaster.taskManagerReported(registration.instanceId, attempts);
        this.#waiting.splice(0).forEach((serve) => serve());
        return { fence: this.fence };
      },
      taskReport: ({ report }) => this.jobMaster.report(report),
      taskMetrics: ({ metrics }) => this.jobMaster.metrics(metrics),
      dataLocations: () => {},
      heartbeat: (_, connection) => void connection.send('heartbeat', undefined),
    },
  };

  /** It may come back: here nobody counts as lost. */
  #closed(connection: Connection): void {
    for (const [instanceId, registered] of this.#registered) {
      if (registered.connection === connection) {
        this.#registered.delete(instanceId);
      }
    }
  }

  #gateway(taskManager: string): TaskExecutorGateway | undefined {
    const connection = this.#registered.get(taskManager)?.connection;
    if (connection === undefined || this.#isDead) {
      return undefined;
    }
    return {
      deploy: (fence, deployments) => void connection.send('deploy', { fence, deployments: [...deployments] }),
      command: (fence, attempt, command) => void connection.send('command', { fence, attempt, command }),
    };
  }

  /** One slot of each TaskManager in turn, once all of them are there. */
  #slots(): SlotProvider {
    const given = new Set<string>();
    return {
      request: (count) =>
        new Promise((resolve) => {
          const serve = (): void => {
            const all: SlotRef[] = this.registrations
              .flatMap(({ instanceId, slots }) =>
                Array.from({ length: slots }, (_, slot) => ({ taskManager: instanceId, slot })),
              )
              .toSorted((a, b) => a.slot - b.slot);
            const free = all.filter(({ taskManager, slot }) => !given.has(`${taskManager}/${slot}`));
            if (this.#registered.size < this.#job.taskManagers || free.length < count) {
              this.#waiting.push(serve);
              return;
            }
            const slots = free.slice(0, count);
            slots.forEach(({ taskManager, slot }) => given.add(`${taskManager}/${slot}`));
            resolve(slots);
          };
          serve();
        }),
      settled: () => Promise.resolve(),
      close: () => {},
    };
  }
}
