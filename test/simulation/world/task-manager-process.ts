import type { HighAvailabilityServices } from '../../../src/coordination/high-availability-services.ts';
import type { DataLocation } from '../../../src/foundation/common/data-location.ts';
import { NewestFence } from '../../../src/runtime/rpc/fencing.ts';
import type { HeartbeatOptions } from '../../../src/runtime/rpc/heartbeat-core.ts';
import { anyPort } from '../../../src/runtime/rpc/port-range.ts';
import type { RegistrationTiming } from '../../../src/runtime/rpc/registration-backoff.ts';
import { formatAddress } from '../../../src/runtime/rpc/rpc-address.ts';
import type { RpcTransport } from '../../../src/runtime/rpc/rpc-transport.ts';
import { LeaderFollower } from '../../../src/runtime/taskmanager/leader-follower.ts';
import { visitors } from '../../../src/runtime/taskmanager/visitors.ts';
import { TaskManager } from '../../../src/runtime/taskmanager/task-manager.ts';
import { observedTasks, type TaskObserver } from './observed-tasks.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { simulatedThreads, type ThreadSurroundings } from './task-thread-of.ts';

export interface TaskManagerProcessOptions {
  readonly process: SimulatedProcess;
  readonly transport: RpcTransport;
  /** Opened when it starts. */
  readonly services: () => Promise<Pick<HighAvailabilityServices, 'retrieval'>>;
  readonly observerOf: (taskManager: TaskManagerProcess) => TaskObserver;
  readonly threads: Omit<ThreadSurroundings, 'process' | 'instanceId'>;
  readonly resourceId: string;
  /** Of this start of it. */
  readonly instanceId: string;
  readonly slots: number;
  readonly heartbeat: HeartbeatOptions;
  readonly absenceTimeoutMs: number;
}

const TIMING: RegistrationTiming = {
  initialTimeoutMs: 100,
  maxTimeoutMs: 10_000,
  errorDelayMs: 1_000,
  refusedDelayMs: 3_000,
};
const CANCELLATION_TIMEOUT_MS = 30_000;
const CANCELLATION_INTERVAL_MS = 10_000;
const REGISTRATION_TIMEOUT_MS = 600_000;

/** A TaskManager as it is shipped, in a simulated process. */
export class TaskManagerProcess {
  readonly resourceId: string;
  readonly instanceId: string;
  readonly process: SimulatedProcess;
  readonly tasks: TaskManager;
  readonly #options: TaskManagerProcessOptions;
  readonly #fence = new NewestFence();
  #follower: LeaderFollower | undefined;
  #data: readonly DataLocation[] = [];

  constructor(options: TaskManagerProcessOptions) {
    const { process, instanceId, resourceId, slots, threads } = options;
    this.#options = options;
    this.process = process;
    this.instanceId = instanceId;
    this.resourceId = resourceId;
    this.tasks = new TaskManager({
      slots,
      threads: slots,
      instanceId,
      fence: this.#fence,
      startThread: simulatedThreads({ ...threads, process, instanceId }),
      clock: process.clock,
      logger: process.logger,
      events: {
        client: () => {},
        console: () => {},
        located: (data) => {
          this.#data = data;
          this.#follower?.located(data);
        },
      },
      cancellationTimeoutMs: CANCELLATION_TIMEOUT_MS,
      cancellationIntervalMs: CANCELLATION_INTERVAL_MS,
    });
  }

  async start(): Promise<void> {
    const { process, transport, services, observerOf, heartbeat, slots } = this.#options;
    const { resourceId, instanceId, absenceTimeoutMs } = this.#options;
    const noProbes = { network: 'sim' };
    const { address } = await transport.listen({
      host: process.host,
      ports: anyPort,
      portsKey: 'taskmanager.rpc.port',
      accept: () => visitors((fence) => follower.ping(fence)),
    });
    this.#data = await this.tasks.listening();
    const follower = new LeaderFollower({
      clock: process.clock,
      random: process.random,
      logger: process.logger,
      transport,
      retrieval: (await services()).retrieval,
      fence: this.#fence,
      tasks: observedTasks(this.tasks, observerOf(this)),
      registration: () => ({
        resourceId,
        instanceId,
        rpcAddress: formatAddress(address),
        data: [...this.#data],
        slots,
        memoryBytes: 1,
        cores: 1,
      }),
      timing: TIMING,
      probePorts: (targets) => Promise.resolve({ ...noProbes, outcomes: targets.map(() => ({})) }),
      heartbeat,
      absenceTimeoutMs,
      registrationTimeoutMs: REGISTRATION_TIMEOUT_MS,
      gaveUp: () => process.kill(),
    });
    this.#follower = follower;
    follower.start();
  }
}
