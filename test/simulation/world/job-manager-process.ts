import { ClusterStorage } from '../../../src/coordination/storage/cluster-storage.ts';
import type { HighAvailabilityServices } from '../../../src/coordination/high-availability-services.ts';
import type { FileSystem } from '../../../src/foundation/filesystem/file-system.ts';
import type { Location } from '../../../src/foundation/filesystem/file-systems.ts';
import type { JobStarter } from '../../../src/runtime/jobmanager/dispatcher/job-starter.ts';
import { DEFAULT_RETENTION } from '../../../src/runtime/jobmanager/dispatcher/result-retention.ts';
import { JobManager } from '../../../src/runtime/jobmanager/job-manager.ts';
import type { HeartbeatOptions } from '../../../src/runtime/rpc/heartbeat-core.ts';
import { anyPort } from '../../../src/runtime/rpc/port-range.ts';
import { formatAddress } from '../../../src/runtime/rpc/rpc-address.ts';
import type { RpcTransport } from '../../../src/runtime/rpc/rpc-transport.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface JobManagerProcessOptions {
  readonly process: SimulatedProcess;
  readonly transport: RpcTransport;
  readonly services: HighAvailabilityServices;
  readonly fs: FileSystem;
  readonly locate: (uri: string) => Location;
  readonly starter: JobStarter;
  readonly instanceId: string;
  readonly heartbeat: HeartbeatOptions;
}

export interface JobManagerMember {
  readonly name: string;
  readonly process: SimulatedProcess;
  /** Once it has its place in the queue. */
  jobManager: JobManager | undefined;
}

/** A JobManager as it is shipped, in a simulated process. Resolves when it has its place in the queue. */
export const startJobManager = async (options: JobManagerProcessOptions): Promise<JobManager> => {
  const { process, transport, services, fs, locate, starter, instanceId, heartbeat } = options;
  const { clock, random, logger, host } = process;
  const listener = await transport.listen({
    host,
    ports: anyPort,
    portsKey: 'jobmanager.rpc.port',
    accept: (peer) => jobManager.service.accept(peer),
  });
  const jobManager: JobManager = new JobManager({
    endpoints: { instanceId, rpcAddress: formatAddress(listener.address), restAddress: `http://${host}:8081` },
    services,
    storage: new ClusterStorage(fs, '/cluster', random, locate),
    starter,
    transport,
    clock,
    random,
    logger,
    heartbeat,
    retention: DEFAULT_RETENTION,
    probePorts: async (targets) => ({ network: 'sim', outcomes: targets.map(() => ({})) }),
  });
  await jobManager.start();
  return jobManager;
};
