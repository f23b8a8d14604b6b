import { resolve } from 'node:path';
import type { HighAvailabilityServices } from '../coordination/high-availability-services.ts';
import type { LeaderEndpoints } from '../coordination/leadership.ts';
import { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { Random } from '../foundation/common/random.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { jobManagerOptions } from '../foundation/config/options/jobmanager-options.ts';
import { rpcOptions } from '../foundation/config/options/rpc-options.ts';
import { LocalFileSystem } from '../foundation/filesystem/local/local-file-system.ts';
import type { TlsIdentity } from '../foundation/security/tls-identity.ts';
import type { ClusterGateway } from '../runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { JobManager } from '../runtime/jobmanager/job-manager.ts';
import { PROTOCOL_VERSION } from '../runtime/protocol/protocol-version.ts';
import type { Hello } from '../runtime/rpc/hello.ts';
import { parsePortRange } from '../runtime/rpc/port-range.ts';
import { formatAddress } from '../runtime/rpc/rpc-address.ts';
import { heartbeatOptions, rpcLimits } from '../runtime/rpc/rpc-configuration.ts';
import type { ListenOptions, RpcListener } from '../runtime/rpc/rpc-transport.ts';
import { TcpTransport } from '../runtime/rpc/tcp/transport.ts';
import { BundleFolder } from './bundle-folder.ts';
import { ClusterJobStarter } from './cluster-job-starter.ts';
import { temporaryFolder, type DefaultPlaces } from './local-places.ts';
import { packageVersion } from './package-version.ts';
import { portProber } from './probe-ports.ts';

/** A server for clients, in this process. */
export interface RestEndpoint {
  /** `http://host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

export interface JobManagerSurroundings {
  /** Closed by whoever opened it, after `stop`. */
  readonly haServices: HighAvailabilityServices;
  /** `undefined`: without HA and without `high-availability.storageDir`; then a temporary folder of this process. */
  readonly storage: ClusterStorage | undefined;
  readonly logger: Logger;
  readonly tls?: TlsIdentity | undefined;
  /** Serves clients; also while this process is a standby. */
  readonly startRest?: (gateway: ClusterGateway) => Promise<RestEndpoint>;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningJobManager {
  readonly instanceId: string;
  /** `host:port` */
  readonly rpcAddress: string;
  /** `undefined`: nobody serves clients here. */
  readonly restAddress: string | undefined;
  /** What clients ask for. */
  readonly gateway: ClusterGateway;
  /** This process has practised the takeover. */
  rehearsed(): void;
  /** Orderly: leadership goes to another first, tasks go on. */
  stop(): Promise<void>;
}

/**
 * Starts a JobManager in this process, the leader or a standby. Errors: BAD_OPTION, ADDRESS_IN_USE, those of `startRest` and of the
 * HA store.
 */
export const startJobManager = async (
  configuration: Configuration,
  surroundings: JobManagerSurroundings,
): Promise<RunningJobManager> => {
  const started = new JobManagerProcess(configuration, surroundings);
  try {
    await started.start();
    return started;
  } catch (thrown) {
    await started.stop();
    throw thrown;
  }
};

class JobManagerProcess implements RunningJobManager {
  readonly instanceId: string;
  readonly #configuration: Configuration;
  readonly #surroundings: JobManagerSurroundings;
  readonly #transport: TcpTransport;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #version = packageVersion();
  #bundles: BundleFolder | undefined;
  #listener: RpcListener | undefined;
  #rest: RestEndpoint | undefined;
  #jobManager: JobManager | undefined;
  #stopping: Promise<void> | undefined;

  constructor(configuration: Configuration, surroundings: JobManagerSurroundings) {
    const { clock = systemClock, random = systemRandom, logger, tls } = surroundings;
    this.#configuration = configuration;
    this.#surroundings = surroundings;
    this.#clock = clock;
    this.#random = random;
    this.instanceId = random.hex(32);
    const limits = rpcLimits(configuration);
    this.#transport = new TcpTransport({ clock, logger, limits, self: () => this.#hello() }, tls);
  }

  get rpcAddress(): string {
    const host = this.#configuration.get(rpcOptions.jobManagerAddress);
    return formatAddress({ host, port: this.#listener?.address.port ?? 0 });
  }

  get restAddress(): string | undefined {
    return this.#rest?.address;
  }

  rehearsed(): void {
    this.#jobManager?.rehearsed();
  }

  get gateway(): ClusterGateway {
    return this.#requireJobManager();
  }

  async start(): Promise<void> {
    const { haServices, logger } = this.#surroundings;
    this.#bundles = await BundleFolder.make(temporaryFolder(this.#configuration));
    const heartbeat = heartbeatOptions(this.#configuration);
    this.#listener = await this.#transport.listen({
      ...this.#binding(),
      accept: (peer) => this.#requireJobManager().service.accept(peer),
    });
    const storage =
      this.#surroundings.storage ??
      new ClusterStorage(new LocalFileSystem(), `${this.#bundles.path}/cluster`, this.#random);
    const endpoints = { instanceId: this.instanceId, rpcAddress: this.rpcAddress, restAddress: '' };
    this.#jobManager = this.#newJobManager(storage, heartbeat, endpoints);
    this.#rest = await this.#surroundings.startRest?.(this.#jobManager);
    endpoints.restAddress = this.#rest?.address ?? '';
    logger.info(`JobManager ${this.rpcAddress} (instance ${this.instanceId}, HA: ${haServices.type}) has started`);
    await this.#jobManager.start();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #newJobManager(
    storage: ClusterStorage,
    heartbeat: ReturnType<typeof heartbeatOptions>,
    endpoints: LeaderEndpoints,
  ): JobManager {
    const { haServices, logger } = this.#surroundings;
    return new JobManager({
      endpoints,
      services: haServices,
      storage,
      starter: new ClusterJobStarter({
        storage,
        configuration: this.#configuration,
        places: this.#places(storage),
        logger,
        localFolder: this.#bundles?.path ?? temporaryFolder(this.#configuration),
      }),
      transport: this.#transport,
      clock: this.#clock,
      random: this.#random,
      logger,
      heartbeat,
      retention: {
        expirationMs: this.#configuration.get(jobManagerOptions.resultExpiration),
        capacity: this.#configuration.get(jobManagerOptions.resultCapacity),
      },
      probePorts: portProber({
        clusterId: this.#configuration.get(highAvailabilityOptions.clusterId),
        transport: this.#transport,
        tls: this.#surroundings.tls,
        clock: this.#clock,
      }),
    });
  }

  async #stop(): Promise<void> {
    await this.#jobManager?.shutDown();
    await this.#rest?.close();
    await this.#listener?.close(`the JobManager ${this.rpcAddress} stops`);
    await this.#bundles?.remove();
  }

  /** With HA others find the JobManager in the store, so that any port will do. */
  #binding(): Pick<ListenOptions, 'host' | 'ports' | 'portsKey'> {
    const configuration = this.#configuration;
    const bindPort = configuration.entry(rpcOptions.jobManagerBindPort);
    const isBound = bindPort?.key === rpcOptions.jobManagerBindPort.key;
    const hasHa = this.#surroundings.haServices.type !== 'none';
    const seen = hasHa ? highAvailabilityOptions.jobManagerPort : rpcOptions.jobManagerPort;
    const portsKey = isBound ? rpcOptions.jobManagerBindPort.key : seen.key;
    const text = isBound ? configuration.get(rpcOptions.jobManagerBindPort) : configuration.get(seen);
    const host = configuration.get(rpcOptions.jobManagerBindHost);
    return { host, ports: parsePortRange(text ?? '0', portsKey), portsKey };
  }

  /** With a storage folder that all share snapshots go there; without one, where a job of this machine has them. */
  #places(storage: ClusterStorage): DefaultPlaces {
    return this.#surroundings.storage === undefined
      ? { checkpoints: resolve('.millrace/checkpoints'), savepoints: resolve('.millrace/savepoints') }
      : { checkpoints: storage.checkpointDirectory, savepoints: storage.savepointDirectory };
  }

  #hello(): Hello {
    const leadership = this.#jobManager?.leader?.leadership;
    return {
      protocolVersion: PROTOCOL_VERSION,
      packageVersion: this.#version,
      clusterId: this.#configuration.get(highAvailabilityOptions.clusterId),
      role: 'jobmanager',
      instanceId: this.instanceId,
      resourceId: this.#configuration.get(rpcOptions.jobManagerResourceId) ?? this.rpcAddress,
      ...(leadership === undefined ? {} : { fence: { lineage: leadership.lineage, epoch: leadership.epoch } }),
    };
  }

  #requireJobManager(): JobManager {
    if (this.#jobManager === undefined) {
      throw new MillraceError('FENCED', 'this JobManager is starting', { retryable: true });
    }
    return this.#jobManager;
  }
}
