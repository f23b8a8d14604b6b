import { setImmediate } from 'node:timers/promises';
import { EmbeddedServices } from '../../../coordination/embedded/embedded-services.ts';
import { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import { MemoryDisk } from '../../../foundation/filesystem/memory/memory-disk.ts';
import type { Disk } from '../../../foundation/filesystem/disk/disk.ts';
import { DiskFileSystem } from '../../../foundation/filesystem/disk/disk-file-system.ts';
import type { FileSystem } from '../../../foundation/filesystem/file-system.ts';
import { tappedDisk } from '../../../foundation/filesystem/memory/tapped-disk.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { PROTOCOL_VERSION } from '../../protocol/protocol-version.ts';
import type { ProcessRole } from '../../rpc/hello.ts';
import { InMemoryNetwork } from '../../rpc/in-memory/network.ts';
import { anyPort } from '../../rpc/port-range.ts';
import { formatAddress } from '../../rpc/rpc-address.ts';
import { defaultLimits } from '../../rpc/rpc-limits.ts';
import type { RpcTransport } from '../../rpc/rpc-transport.ts';
import type { JobStarter } from '../dispatcher/job-starter.ts';
import { DEFAULT_RETENTION } from '../dispatcher/result-retention.ts';
import { JobManager } from '../job-manager.ts';
import { FakeJobStarter } from './fake-job-starter.ts';
import { FakeTaskManager } from './fake-task-manager.ts';

/** Of one process: it stands still, for good or for a while, when the process does. */
class ProcessClock implements Clock {
  readonly #clock: Clock;
  /** What fell due while it stood still. */
  #missed: (() => void)[] | undefined;
  #isDead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, run: () => void): TimerHandle {
    return this.#clock.after(delayMs, () => (this.#missed === undefined ? run() : this.#missed.push(run)));
  }

  kill(): void {
    this.#isDead = true;
    this.#missed = [];
  }

  pause(): void {
    this.#missed ??= [];
  }

  resume(): void {
    const missed = this.#missed ?? [];
    if (!this.#isDead) {
      this.#missed = undefined;
      missed.forEach((run) => run());
    }
  }
}

export interface SimulatedJobManager<Starter extends JobStarter = FakeJobStarter> {
  readonly name: string;
  readonly jobManager: JobManager;
  readonly starter: Starter;
  readonly log: string[];
  /** Paths of the files that it has opened. */
  readonly opened: string[];
  readonly services: EmbeddedServices;
  readonly clock: ProcessClock;
}

/** What a JobManager's process has of its own. */
export interface ProcessParts {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export const LEASE_MS = 5_000;

/** JobManagers over the embedded store, and TaskManagers that run nothing; time and network are the test's. */
export class ClusterWorld {
  readonly clock = new ManualClock(10_000);
  readonly network = new InMemoryNetwork({ clock: this.clock });
  readonly disk = new MemoryDisk(() => this.clock.now());
  #seed = 0;

  jobManager(name: string): Promise<SimulatedJobManager> {
    return this.process(name, this.disk, () => new FakeJobStarter());
  }

  /** `disk`: as this process reaches it. */
  async process<Starter extends JobStarter>(
    name: string,
    disk: Disk,
    makeStarter: (parts: ProcessParts) => Starter,
  ): Promise<SimulatedJobManager<Starter>> {
    const clock = new ProcessClock(this.clock);
    const random = seededRandom(++this.#seed);
    const log: string[] = [];
    const logger = collecting(log);
    const opened: string[] = [];
    const tapped = tappedDisk(disk, ({ name: call, path }) => void (call === 'open' && opened.push(path)));
    const fs = new DiskFileSystem('memory', tapped, random);
    const services = await this.services({ fs, clock, random, logger });
    const transport = this.transport(name, 'jobmanager', `${name}-instance`, clock, logger);
    let jobManager: JobManager | undefined;
    const listener = await this.settled(
      transport.listen({
        host: name,
        ports: anyPort,
        portsKey: 'jobmanager.rpc.port',
        accept: (peer) => jobManager!.service.accept(peer),
      }),
    );
    const starter = makeStarter({ fs, clock, random, logger });
    jobManager = new JobManager({
      endpoints: {
        instanceId: `${name}-instance`,
        rpcAddress: formatAddress(listener.address),
        restAddress: `http://${name}:8081`,
      },
      services,
      storage: new ClusterStorage(fs, '/cluster', random, (uri) => ({ fs, path: uri.replace(/^memory:\/\//, '') })),
      starter,
      transport,
      clock,
      random,
      logger,
      heartbeat: { intervalMs: 1_000, timeoutMs: 6_000, failureThreshold: 2 },
      retention: DEFAULT_RETENTION,
      probePorts: async (targets) => ({ network: 'sim', outcomes: targets.map(() => ({})) }),
    });
    await this.settled(jobManager.start());
    return { name, jobManager, starter, log, opened, services, clock };
  }

  /** The HA store, as one process sees it; `isMaker`: one that may lead. */
  services(parts: ProcessParts, isMaker = true): Promise<EmbeddedServices> {
    return this.settled(
      EmbeddedServices.open({
        ...parts,
        folder: '/cluster/ha-store',
        leaseMs: LEASE_MS,
        pollIntervalMs: 5,
        snapshotInterval: 64,
        beforeCreation: isMaker ? async () => undefined : undefined,
      }),
    );
  }

  async taskManager(name: string, slots: number, instance = 'first', resourceId = name): Promise<FakeTaskManager> {
    const transport = this.transport(name, 'taskmanager', `${name}-${instance}`, this.clock, collecting([]));
    const taskManager = new FakeTaskManager(transport, resourceId, slots, `${name}-${instance}`);
    await this.settled(taskManager.listen(name));
    return taskManager;
  }

  /** `kill -9`. */
  kill({ name, clock }: Pick<SimulatedJobManager, 'name' | 'clock'>): void {
    clock.kill();
    this.network.crash(name);
  }

  /** SIGSTOP: its sockets stay open. */
  pause({ name, clock }: SimulatedJobManager): void {
    clock.pause();
    this.network.pause(name);
  }

  resume({ name, clock }: SimulatedJobManager): void {
    this.network.resume(name);
    clock.resume();
  }

  async until(condition: () => boolean, what: string, limitMs = 60_000): Promise<void> {
    for (let passed = 0; !condition(); passed++) {
      if (passed > limitMs) {
        throw new Error(`${what} did not happen within ${limitMs} ms`);
      }
      await this.pass(1);
    }
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.until(() => isSettled, 'it');
    return promise;
  }

  /** The disk of a test answers in microtasks; they are done when the event loop has turned. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advanceBy(1);
      await setImmediate();
    }
  }

  transport(host: string, role: ProcessRole, instanceId: string, clock: Clock, logger: Logger): RpcTransport {
    const self = { protocolVersion: PROTOCOL_VERSION, packageVersion: '0', clusterId: 'c', resourceId: host };
    return this.network.transport(host, {
      clock,
      logger,
      limits: defaultLimits,
      self: () => ({ ...self, role, instanceId }),
    });
  }
}

const collecting = (lines: string[]): Logger => {
  const add = (line: string): void => void lines.push(line);
  return { debug: () => {}, info: add, warn: add, error: add };
};
