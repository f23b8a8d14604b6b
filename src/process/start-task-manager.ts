import { slotsText } from '../runtime/jobmanager/scheduler/slots-text.ts';
import { availableParallelism } from 'node:os';
import type { LeaderRetrieval } from '../coordination/leader-retrieval.ts';
import type { Clock, TimerHandle } from '../foundation/common/clock.ts';
import type { DataLocation } from '../foundation/common/data-location.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import { LimitedLog } from '../foundation/common/limited-log.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { Random } from '../foundation/common/random.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { rpcOptions } from '../foundation/config/options/rpc-options.ts';
import { taskManagerOptions } from '../foundation/config/options/taskmanager-options.ts';
import type { TlsIdentity } from '../foundation/security/tls-identity.ts';
import type { TaskManagerRegistration } from '../runtime/protocol/cluster-protocol.ts';
import { PROTOCOL_VERSION } from '../runtime/protocol/protocol-version.ts';
import { NewestFence } from '../runtime/rpc/fencing.ts';
import type { Hello } from '../runtime/rpc/hello.ts';
import { binding, heartbeatOptions, registrationTiming, rpcLimits } from '../runtime/rpc/rpc-configuration.ts';
import { parsePortRange } from '../runtime/rpc/port-range.ts';
import { formatAddress } from '../runtime/rpc/rpc-address.ts';
import type { RpcListener } from '../runtime/rpc/rpc-transport.ts';
import { TcpTransport } from '../runtime/rpc/tcp/transport.ts';
import { FixedLeader } from '../runtime/taskmanager/fixed-leader.ts';
import { LeaderFollower } from '../runtime/taskmanager/leader-follower.ts';
import { visitors } from '../runtime/taskmanager/visitors.ts';
import type { MemoryLimits } from '../runtime/taskmanager/memory-guard.ts';
import type { StartThread } from '../runtime/taskmanager/thread-host.ts';
import type { ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
import { TaskManager } from '../runtime/taskmanager/task-manager.ts';
import { memoryWatchOf, threadSettingsOf } from './job-settings.ts';
import { LocalStateFolders, localStateOwner } from './local-state-folders.ts';
import { localStateRoots } from './local-state-roots.ts';
import { dataPlaneTls } from './data-plane-tls.ts';
import { packageVersion } from './package-version.ts';
import { portProber } from './probe-ports.ts';
import { slotMemoryOf } from './slot-memory.ts';
import { startWorkerThread } from './start-worker-thread.ts';
import { taskOutput, type WriteLine } from './task-output.ts';

export interface TaskManagerSurroundings {
  /** Closed by whoever opened it. `undefined`: without HA, the JobManager is at `jobmanager.rpc.address`. */
  readonly haServices: { readonly retrieval: LeaderRetrieval } | undefined;
  readonly logger: Logger;
  /** Lines of `print()`; the process's stdout unless set. */
  readonly writeLine?: WriteLine;
  readonly tls?: TlsIdentity | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
  /** It found no leader in time (`taskmanager.registration.timeout`) and has stopped by itself. */
  readonly gaveUp?: (error: MillraceError) => void;
  /** A task thread cannot be ended: its slots are of no use until this process ends. */
  readonly stuck?: (error: MillraceError) => void;
}

export interface RunningTaskManager {
  /** The same after a restart, if `taskmanager.resource-id` is set. */
  readonly resourceId: string;
  /** New with each start. */
  readonly instanceId: string;
  /** `host:port` on which it answers hellos and `ping`. */
  readonly address: string;
  /** Ends a task thread as a crash would; for drills. */
  killThread(slot: number): Promise<void>;
  /** In order: the leader is told, tasks are cancelled and may take a few seconds to end, everything is closed. */
  stop(reason?: string): Promise<void>;
}

/** Tasks that were cancelled by the end of the process may take so long to close what they have open. */
const STOP_GRACE_MS = 5_000;

/**
 * Starts a TaskManager in this process: a worker thread for each slot, and whatever leads is followed. Errors: BAD_OPTION,
 * ADDRESS_IN_USE and PORT_IN_USE for ports that are taken.
 */
export const startTaskManager = async (
  configuration: Configuration,
  surroundings: TaskManagerSurroundings,
): Promise<RunningTaskManager> => {
  const started = new TaskManagerProcess(configuration, surroundings);
  try {
    await started.start();
    return started;
  } catch (thrown) {
    await started.stop('it could not start');
    throw thrown;
  }
};

class TaskManagerProcess implements RunningTaskManager {
  readonly resourceId: string;
  readonly instanceId: string;
  readonly #packageVersion = packageVersion();
  readonly #configuration: Configuration;
  readonly #surroundings: TaskManagerSurroundings;
  readonly #clock: Clock;
  readonly #fence = new NewestFence();
  readonly #limits: MemoryLimits;
  readonly #localState: LocalStateFolders | undefined;
  readonly #transport: TcpTransport;
  readonly #tasks: TaskManager;
  readonly #lostConnections: LimitedLog;
  readonly #follower: LeaderFollower;
  #listener: RpcListener | undefined;
  #data: readonly DataLocation[] = [];
  #stopping: Promise<void> | undefined;

  constructor(configuration: Configuration, surroundings: TaskManagerSurroundings) {
    const { clock = systemClock, random = systemRandom, logger, tls, haServices } = surroundings;
    this.#configuration = configuration;
    this.#surroundings = surroundings;
    this.#clock = clock;
    this.instanceId = random.hex(32);
    this.resourceId = configuration.get(rpcOptions.taskManagerResourceId) ?? `taskmanager-${random.hex(6)}`;
    const slots = configuration.get(taskManagerOptions.slots);
    this.#limits = slotMemoryOf(configuration, slots);
    this.#localState = this.#openLocalState();
    const limits = rpcLimits(configuration);
    this.#transport = new TcpTransport({ clock, logger, limits, self: () => this.#hello() }, tls);
    this.#lostConnections = new LimitedLog(logger, clock, 'connections to tasks');
    this.#tasks = new TaskManager({
      slots,
      threads: slots,
      instanceId: this.instanceId,
      fence: this.#fence,
      startThread: this.#startThread(),
      clock,
      logger,
      events: {
        ...taskOutput(logger, surroundings.writeLine),
        stuck: (error) => surroundings.stuck?.(error),
        located: (data) => this.#located(data),
        connectionLost: (remote, reason) =>
          this.#lostConnections.warn(`A connection to tasks of TaskManager ${remote.instanceId} broke: ${reason}`),
      },
      cancellationTimeoutMs: configuration.get(taskManagerOptions.cancellationTimeout),
      cancellationIntervalMs: configuration.get(taskManagerOptions.cancellationInterval),
      memory: memoryWatchOf(this.#limits),
      localState: this.#localState,
    });
    this.#follower = new LeaderFollower({
      clock,
      random,
      logger,
      transport: this.#transport,
      retrieval: haServices?.retrieval ?? this.#fixedLeader(clock, logger),
      fence: this.#fence,
      tasks: this.#tasks,
      registration: (localHost) => this.#registration(localHost),
      timing: registrationTiming(configuration),
      probePorts: portProber({
        clusterId: configuration.get(highAvailabilityOptions.clusterId),
        transport: this.#transport,
        tls,
        clock,
      }),
      heartbeat: heartbeatOptions(configuration),
      absenceTimeoutMs: absenceTimeoutOf(configuration, haServices !== undefined),
      whoNames: haServices === undefined ? 'nobody answers' : 'the HA store names none',
      registrationTimeoutMs: configuration.get(rpcOptions.taskManagerRegistrationTimeout),
      gaveUp: (error) => void this.#gaveUp(error),
    });
  }

  get address(): string {
    const port = this.#listener?.address.port ?? 0;
    return formatAddress({ host: this.#host ?? this.#bindHost, port });
  }

  async start(): Promise<void> {
    this.#listener = await this.#transport.listen({
      ...binding(this.#configuration, {
        host: rpcOptions.taskManagerBindHost,
        bindPort: rpcOptions.taskManagerBindPort,
        port: rpcOptions.taskManagerPort,
      }),
      accept: () => visitors((fence) => this.#follower.ping(fence)),
    });
    this.#data = await this.#tasks.listening();
    this.#surroundings.logger.info(
      `TaskManager ${this.resourceId} (instance ${this.instanceId}) has ${slotsText(this.#tasks.slots)} and listens on ` +
        this.address,
    );
    this.#follower.start();
    void this.#localState?.clean();
  }

  killThread(slot: number): Promise<void> {
    return this.#tasks.killThread(slot);
  }

  stop(reason = 'it was told to stop'): Promise<void> {
    this.#stopping ??= this.#stop(`TaskManager ${this.resourceId} stops: ${reason}`);
    return this.#stopping;
  }

  async #stop(farewell: string): Promise<void> {
    this.#follower.stop(farewell);
    await this.#cancelledTasks();
    await this.#tasks.stop();
    this.#lostConnections.close();
    await this.#localState?.close();
    await this.#listener?.close(farewell);
  }

  /** Waits for them no longer than the grace; and no timer of it keeps the process when they have ended. */
  async #cancelledTasks(): Promise<void> {
    let grace: TimerHandle | undefined;
    const isOver = new Promise<void>((resolve) => {
      grace = this.#clock.after(STOP_GRACE_MS, resolve);
    });
    await Promise.race([this.#tasks.cancelAll(), isOver]);
    grace?.cancel();
  }

  async #gaveUp(error: MillraceError): Promise<void> {
    this.#surroundings.logger.error(error.message);
    await this.stop(error.message);
    this.#surroundings.gaveUp?.(error);
  }

  get #bindHost(): string {
    return this.#configuration.get(rpcOptions.taskManagerBindHost);
  }

  /** What others reach it at; `undefined` where it is bound to all addresses: the one that the leader sees. */
  get #host(): string | undefined {
    const bindHost = this.#bindHost;
    return this.#configuration.get(rpcOptions.taskManagerHost) ?? (isAnyAddress(bindHost) ? undefined : bindHost);
  }

  #fixedLeader(clock: Clock, logger: Logger): LeaderRetrieval {
    const configuration = this.#configuration;
    const { key } = rpcOptions.jobManagerPort;
    const host = configuration.get(rpcOptions.jobManagerAddress);
    const { text, ports } = parsePortRange(configuration.get(rpcOptions.jobManagerPort), key);
    if (ports.includes(0)) {
      const { type } = highAvailabilityOptions;
      throw new MillraceError(
        'BAD_OPTION',
        `${key} is ${text} (${configuration.origin(rpcOptions.jobManagerPort)}): without HA (${type.key}: none) TaskManagers find the ` +
          'JobManager there; name its port',
      );
    }
    const addresses = ports.map((port) => ({ host, port }));
    return new FixedLeader({ transport: this.#transport, addresses, where: `${host}:${text}`, clock, logger });
  }

  #located(data: readonly DataLocation[]): void {
    this.#data = data;
    this.#follower.located(data);
  }

  #startThread(): StartThread {
    const { tls } = this.#surroundings;
    const configuration = this.#configuration;
    const dataTls = dataPlaneTls(tls);
    const data: NonNullable<ThreadSettings['data']> = {
      instanceId: this.instanceId,
      clusterId: configuration.get(highAvailabilityOptions.clusterId),
      bindHost: this.#bindHost,
      host: this.#host ?? this.#bindHost,
      ports: configuration.get(rpcOptions.taskManagerDataBindPort),
      ...(dataTls === undefined ? {} : { tls: dataTls }),
    };
    const folders = this.#localState?.folders ?? [];
    const readsLocal = configuration.get(recoveryOptions.fromLocal);
    const settings = {
      ...threadSettingsOf(configuration, undefined),
      data,
      ...(folders.length === 0 ? {} : { localState: { folders, readsLocal } }),
    };
    return startWorkerThread({ settings, heapLimitBytes: this.#limits.heapBytes });
  }

  #openLocalState(): LocalStateFolders | undefined {
    const { logger } = this.#surroundings;
    if (!this.#configuration.get(checkpointingOptions.localBackup)) {
      return undefined;
    }
    const roots = localStateRoots(this.#configuration, logger);
    return new LocalStateFolders(roots, this.instanceId, localStateOwner(this.resourceId), logger);
  }

  #hello(): Hello {
    const { known } = this.#fence;
    return {
      protocolVersion: PROTOCOL_VERSION,
      packageVersion: this.#packageVersion,
      clusterId: this.#configuration.get(highAvailabilityOptions.clusterId),
      role: 'taskmanager',
      instanceId: this.instanceId,
      resourceId: this.resourceId,
      ...(known === undefined ? {} : { fence: known }),
    };
  }

  #registration(localHost: string): TaskManagerRegistration {
    const host = this.#host ?? localHost;
    return {
      resourceId: this.resourceId,
      instanceId: this.instanceId,
      rpcAddress: formatAddress({ host, port: this.#listener?.address.port ?? 0 }),
      slots: this.#tasks.slots,
      data: this.#data.map((location) => ({ ...location, host: this.#host === undefined ? localHost : location.host })),
      memoryBytes: Math.floor(this.#limits.processBytes),
      cores: availableParallelism(),
    };
  }

  /** For those who connect to this process; commands come over the connection that it has opened to the leader. */
}

/** Nobody who comes after a JobManager without HA knows its jobs: they only wait for its connection to come back. */
const absenceTimeoutOf = (configuration: Configuration, hasHa: boolean): number =>
  hasHa || configuration.isSet(taskManagerOptions.leaderAbsenceTimeout)
    ? configuration.get(taskManagerOptions.leaderAbsenceTimeout)
    : configuration.get(rpcOptions.heartbeatTimeout);

const isAnyAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';
