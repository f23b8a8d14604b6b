import { EmbeddedServices } from '../../coordination/embedded/embedded-services.ts';
import { ClusterStorage } from '../../coordination/storage/cluster-storage.ts';
import { silentLogger as logger } from '../../foundation/common/logger.ts';
import { systemClock as clock } from '../../foundation/common/system-clock.ts';
import { systemRandom as random } from '../../foundation/common/system-random.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import type { ClusterGateway } from '../../runtime/jobmanager/dispatcher/cluster-gateway.ts';
import type { JobStarter } from '../../runtime/jobmanager/dispatcher/job-starter.ts';
import { DEFAULT_RETENTION } from '../../runtime/jobmanager/dispatcher/result-retention.ts';
import { JobManager } from '../../runtime/jobmanager/job-manager.ts';
import { PROTOCOL_VERSION } from '../../runtime/protocol/protocol-version.ts';
import { NewestFence } from '../../runtime/rpc/fencing.ts';
import type { ProcessRole } from '../../runtime/rpc/hello.ts';
import { InMemoryNetwork } from '../../runtime/rpc/in-memory/network.ts';
import { anyPort } from '../../runtime/rpc/port-range.ts';
import { formatAddress } from '../../runtime/rpc/rpc-address.ts';
import { heartbeatOptions, registrationTiming } from '../../runtime/rpc/rpc-configuration.ts';
import { defaultLimits } from '../../runtime/rpc/rpc-limits.ts';
import type { RpcTransport } from '../../runtime/rpc/rpc-transport.ts';
import { LeaderFollower } from '../../runtime/taskmanager/leader-follower.ts';
import { visitors } from '../../runtime/taskmanager/visitors.ts';
import { BundleFolder } from '../bundle-folder.ts';
import { ClusterJobStarter } from '../cluster-job-starter.ts';
import { rehearsedJob } from './rehearsed-job.ts';
import { RehearsedTasks } from './rehearsed-tasks.ts';

const JOBS = 10;
const TAKEOVERS = 2;
const CHECKPOINTS_EACH = 2;
const LOOK_MS = 5;
const PATIENCE_MS = 30_000;
const configuration = Configuration.of({});

interface Member {
  readonly name: string;
  readonly jobManager: JobManager;
  readonly services: EmbeddedServices;
}

/**
 * Practises the takeover: what runs for the first time is compiled while it runs, which made the first takeover of a process three
 * times as long as its next (docs/decisions/0010). The shipped control plane leads, dies and is taken over, over a store, files and
 * a network that are nothing but memory. `temporary`: a folder for the bundles of its jobs. `goesOn` is asked between two steps, so
 * that it ends when the real one begins. Resolves with the number of takeovers that were practised.
 */
export const rehearseTakeover = async (temporary: string, goesOn: () => boolean): Promise<number> => {
  const bundles = await BundleFolder.make(temporary);
  const stage = new Stage(bundles.path, goesOn);
  try {
    return await stage.play();
  } finally {
    await stage.clear();
    await bundles.remove();
  }
};

class Stage {
  readonly #localFolder: string;
  readonly #goesOn: () => boolean;
  readonly #network = new InMemoryNetwork({ clock });
  readonly #storage = ClusterStorage.of('memory:///', `rehearsal-${random.hex(16)}`, random);
  readonly #members: Member[] = [];
  readonly #work: Promise<unknown>[] = [];
  #follower: LeaderFollower | undefined;
  #followerServices: EmbeddedServices | undefined;

  constructor(localFolder: string, goesOn: () => boolean) {
    this.#localFolder = localFolder;
    this.#goesOn = goesOn;
  }

  async play(): Promise<number> {
    let leader = await this.#member('leader-0');
    await this.#until(() => leader.jobManager.isLeading);
    await this.#follow();
    for (let job = 0; job < JOBS && this.#goesOn(); job++) {
      await leader.jobManager.submit(rehearsedJob(random));
    }
    await this.#untilAllRun(leader.jobManager);
    let takeovers = 0;
    while (takeovers < TAKEOVERS && this.#goesOn()) {
      const next = await this.#member(`leader-${takeovers + 1}`);
      await this.#untilAllRun(leader.jobManager);
      this.#network.crash(leader.name);
      await this.#end(leader);
      leader = next;
      await this.#untilAllRun(leader.jobManager);
      takeovers++;
    }
    return takeovers;
  }

  /** Nothing of it is left, whatever went wrong. */
  async clear(): Promise<void> {
    this.#follower?.stop('the rehearsal is over');
    await Promise.all(this.#members.map((member) => this.#end(member)));
    await this.#followerServices?.close();
    await Promise.allSettled(this.#work);
    await this.#storage.fs.deleteFolder(this.#storage.folder);
  }

  /** A JobManager that joins the queue. */
  async #member(name: string): Promise<Member> {
    const transport = this.#transport(name, 'jobmanager');
    const { address } = await transport.listen({
      host: name,
      ports: anyPort,
      portsKey: 'jobmanager.rpc.port',
      accept: (peer) => jobManager.service.accept(peer),
    });
    const services = await this.#services();
    const storage = this.#storage;
    const jobManager = new JobManager({
      endpoints: { instanceId: name, rpcAddress: formatAddress(address), restAddress: '' },
      services,
      storage,
      starter: this.#starter(),
      transport,
      clock,
      random,
      logger,
      heartbeat: heartbeatOptions(configuration),
      retention: DEFAULT_RETENTION,
      probePorts: (targets) => Promise.resolve({ network: '', outcomes: targets.map(() => ({})) }),
    });
    const member = { name, jobManager, services };
    this.#members.push(member);
    await jobManager.start();
    return member;
  }

  /** Its work is awaited before its files go. */
  #starter(): JobStarter {
    const storage = this.#storage;
    const starter = new ClusterJobStarter({
      storage,
      configuration,
      places: { checkpoints: storage.checkpointDirectory, savepoints: storage.savepointDirectory },
      logger,
      localFolder: this.#localFolder,
    });
    const awaited = <T>(work: Promise<T>): Promise<T> => {
      this.#work.push(work);
      return work;
    };
    return {
      check: (job) => awaited(starter.check(job)),
      prepare: (job, surroundings) => awaited(starter.prepare(job, surroundings)),
      rescaled: (job, targets) => awaited(starter.rescaled(job, targets)),
      anticipate: (jobs) => awaited(starter.anticipate(jobs)),
    };
  }

  async #end({ jobManager, services }: Member): Promise<void> {
    await jobManager.shutDown();
    await services.close();
  }

  async #follow(): Promise<void> {
    const name = 'tasks';
    const fence = new NewestFence();
    const tasks = new RehearsedTasks(2 * JOBS);
    const transport = this.#transport(name, 'taskmanager');
    const { address } = await transport.listen({
      host: name,
      ports: anyPort,
      portsKey: 'taskmanager.rpc.port',
      accept: () => visitors((theirs) => follower.ping(theirs)),
    });
    this.#followerServices = await this.#services();
    const follower = new LeaderFollower({
      clock,
      random,
      logger,
      transport,
      retrieval: this.#followerServices.retrieval,
      fence,
      tasks,
      registration: () => tasks.registration(formatAddress(address), name),
      timing: registrationTiming(configuration),
      probePorts: (targets) => Promise.resolve({ network: '', outcomes: targets.map(() => ({})) }),
      heartbeat: heartbeatOptions(configuration),
      absenceTimeoutMs: PATIENCE_MS,
      registrationTimeoutMs: PATIENCE_MS,
      gaveUp: () => {},
    });
    this.#follower = follower;
    follower.start();
  }

  #services(): Promise<EmbeddedServices> {
    return EmbeddedServices.open({
      fs: this.#storage.fs,
      folder: this.#storage.embeddedStoreFolder,
      clock,
      random,
      logger,
      leaseMs: PATIENCE_MS,
      pollIntervalMs: LOOK_MS,
      snapshotInterval: 64,
      beforeCreation: () => Promise.resolve(),
    });
  }

  #transport(name: string, role: ProcessRole): RpcTransport {
    const self = {
      protocolVersion: PROTOCOL_VERSION,
      packageVersion: 'rehearsal',
      clusterId: 'rehearsal',
      resourceId: name,
    };
    return this.#network.transport(name, {
      clock,
      logger,
      limits: defaultLimits,
      self: () => ({ ...self, role, instanceId: name }),
    });
  }

  /** All jobs run, and some checkpoints have completed since this leader is there. */
  async #untilAllRun(leader: ClusterGateway): Promise<void> {
    await this.#until(() => leader.isLeading);
    if (this.#goesOn()) {
      for (const { jobId } of await leader.list()) {
        await this.#until(async () => {
          const { state, overview } = await leader.details(jobId);
          return state === 'RUNNING' && (overview?.checkpoints?.completed ?? 0) >= CHECKPOINTS_EACH;
        });
      }
    }
  }

  async #until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = clock.monotonic() + PATIENCE_MS;
    while (this.#goesOn() && !(await holds())) {
      if (clock.monotonic() > deadlineMs) {
        throw new Error(`the rehearsal came to no end within ${PATIENCE_MS} ms`);
      }
      await new Promise<void>((resolve) => {
        clock.after(LOOK_MS, resolve);
      });
    }
  }
}
