import { EmbeddedServices } from '../../../src/coordination/embedded/embedded-services.ts';
import type { HighAvailabilityServices } from '../../../src/coordination/high-availability-services.ts';
import { present } from '../../../src/foundation/common/assert.ts';
import { messageOf } from '../../../src/foundation/common/errors.ts';
import type { JobId } from '../../../src/foundation/common/ids.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { StoredJob } from '../../../src/coordination/storage/job-graph-files.ts';
import { DiskFileSystem } from '../../../src/foundation/filesystem/disk/disk-file-system.ts';
import type { Location } from '../../../src/foundation/filesystem/file-systems.ts';
import { MemoryDisk } from '../../../src/foundation/filesystem/memory/memory-disk.ts';
import type { JobDefinition } from '../../../src/pipeline/api/index.ts';
import type { Translation } from '../../../src/pipeline/graph/translate.ts';
import { planJob } from '../../../src/process/plan-job.ts';
import { planRescaled } from '../../../src/process/plan-rescaled.ts';
import type { RescaledPlan, RescaleTargets } from '../../../src/runtime/jobmanager/dispatcher/job-starter.ts';
import type { JobSubmission } from '../../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import type { JobProgram } from '../../../src/runtime/protocol/task-commands.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/protocol-version.ts';
import type { ProcessRole } from '../../../src/runtime/rpc/hello.ts';
import { InMemoryNetwork } from '../../../src/runtime/rpc/in-memory/network.ts';
import { defaultLimits } from '../../../src/runtime/rpc/rpc-limits.ts';
import type { RpcTransport } from '../../../src/runtime/rpc/rpc-transport.ts';
import { AS_OF_USERS, builderSettings, modulePathOf, SimulatedJobStarter } from '../simulated-job-starter.ts';
import { ChannelWatch } from './channel-watch.ts';
import { DataNetwork } from './data-network.ts';
import type { TraceLine } from './trace.ts';
import type { TaskObserver } from './observed-tasks.ts';
import { startJobManager, type JobManagerMember } from './job-manager-process.ts';
import { folderContents, putBack, type FolderContents } from '../folder-contents.ts';
import { SimulatedDisk, type DiskChange, type DiskWeather } from './simulated-disk.ts';
import { copiesOn } from './local-copies.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { TaskManagerProcess } from './task-manager-process.ts';
import { UserCode } from './task-thread-of.ts';
import { TransactionLog, type CallOutcome } from './transaction-log.ts';
import { VirtualTime } from './virtual-time.ts';
import { ZooKeeperOfWorld, type ZooKeeperOptions } from './zookeeper-of-world.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Between two messages of a connection; between the call of the disk and its effect. */
  readonly networkDelayMs: (random: Random, from: string) => number;
  readonly weather: DiskWeather;
  readonly outcomeOfLogCall: () => CallOutcome;
  readonly skewMs: (random: Random) => number;
  readonly slots: number;
  /** Whether TaskManagers keep copies of state on their machines, and restore from them. */
  readonly keepsCopies: boolean;
  /** `undefined`: the embedded store, on the disk of the world. */
  readonly zookeeper: Omit<ZooKeeperOptions, 'seed'> | undefined;
  /** What passes between TaskManagers and leaders. */
  readonly observerOf: (taskManager: TaskManagerProcess) => TaskObserver;
  /** A change of the disk has taken effect. */
  readonly changed: (change: DiskChange) => void;
  /** Something is wrong with what threads say to each other. */
  readonly violate: (invariant: string, what: string) => void;
  /** After each event. */
  readonly observe: () => void;
  /** A process has said something. */
  readonly said: (process: string, message: string) => void;
}

const LEASE_MS = 7_000;
const POLL_MS = 2_000;
/** Short, so that a leader that pauses may sleep through two of them. */
const SNAPSHOT_INTERVAL = 6;
const HEARTBEAT = { intervalMs: 2_000, timeoutMs: 6_000, failureThreshold: 2 };
const ABSENCE_MS = 120_000;
const RETRY_MS = 500;
const START_MS = 1_700_000_000_000;
const STORE = '/cluster/ha-store';
const NO_INPUT = { args: [], env: {} };

/** JobManagers, TaskManagers, their network, their disk and a log that they write to: the shipped code, and one seed. */
export class World {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly network: InMemoryNetwork;
  readonly data: DataNetwork;
  readonly disk: MemoryDisk;
  readonly log: TransactionLog;
  readonly userCode = new UserCode();
  readonly channels: ChannelWatch;
  readonly zookeeper: ZooKeeperOfWorld | undefined;
  readonly trace: TraceLine[] = [];
  readonly #options: WorldOptions;
  readonly #definitions = new Map<string, JobDefinition>();
  readonly #translations = new Map<string, Translation>();
  readonly #jobManagers = new Map<string, JobManagerMember>();
  readonly #taskManagers = new Map<string, TaskManagerProcess>();
  readonly #failures: unknown[] = [];
  /** JobManagers that are not to start now. */
  #held: Set<string> | undefined;
  #starts = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.time = new VirtualTime(START_MS, seededRandom(options.seed + 1));
    const delays = seededRandom(options.seed + 2);
    this.network = new InMemoryNetwork({ clock: this.time, delayMs: (from) => options.networkDelayMs(delays, from) });
    this.channels = new ChannelWatch(options.violate);
    this.data = new DataNetwork(this.network, this.channels);
    this.disk = new MemoryDisk(() => this.time.now());
    this.log = new TransactionLog(options.outcomeOfLogCall);
    const { seed, zookeeper } = options;
    this.zookeeper = zookeeper && new ZooKeeperOfWorld({ seed, ...zookeeper }, this.time);
  }

  get jobManagers(): readonly JobManagerMember[] {
    return [...this.#jobManagers.values()];
  }

  get taskManagers(): readonly TaskManagerProcess[] {
    return [...this.#taskManagers.values()];
  }

  get livingJobManagers(): readonly string[] {
    return this.jobManagers.flatMap(({ name, process }) => (process.isDead ? [] : [name]));
  }

  get livingTaskManagers(): readonly string[] {
    return this.taskManagers.flatMap(({ resourceId, process }) => (process.isDead ? [] : [resourceId]));
  }

  /** JobManagers that live and do not lead. */
  get standbys(): readonly JobManagerMember[] {
    const { leader } = this;
    return this.jobManagers.filter((member) => member !== leader && !member.process.isDead);
  }

  get livingProcesses(): readonly SimulatedProcess[] {
    return [...this.jobManagers, ...this.taskManagers].map(({ process }) => process).filter(({ isDead }) => !isDead);
  }

  isTaskManager(process: SimulatedProcess): boolean {
    return this.taskManagers.some((one) => one.process === process);
  }

  get hosts(): readonly string[] {
    return [...this.#jobManagers.keys(), ...this.#taskManagers.keys()];
  }

  processOf(taskManager: string | undefined): SimulatedProcess | undefined {
    return this.#taskManagers.get(taskManager ?? '')?.process;
  }

  killJobManager(name: string, isHostLost: boolean): void {
    this.#jobManagers.get(name)?.process.kill(isHostLost);
  }

  killTaskManager(name: string, isHostLost: boolean): void {
    this.#taskManagers.get(name)?.process.kill(isHostLost);
  }

  get leader(): JobManagerMember | undefined {
    return this.jobManagers.find(({ process, jobManager }) => !process.isDead && jobManager?.isLeading === true);
  }

  /** Starts the process; it takes part as soon as it can. */
  startJobManager(name: string): void {
    if (this.#held !== undefined) {
      this.#held.add(name);
      return;
    }
    const process = this.#process(name);
    const member: JobManagerMember = { name, process, jobManager: undefined };
    this.#jobManagers.set(name, member);
    // A process that cannot start ends, and is started again.
    const ended = (thrown: unknown): void => {
      process.logger.error(messageOf(thrown));
      process.kill();
      this.time.after(RETRY_MS, () => this.startJobManager(name));
    };
    this.#background(async () => {
      const fs = this.#fileSystemOf(process);
      const locate = locator(fs);
      const services = await this.#patiently(process, () => this.#services(process, fs, true));
      const instanceId = `${name}-${this.#starts}`;
      member.jobManager = await startJobManager({
        process,
        transport: this.#transport(process, 'jobmanager', instanceId),
        services,
        fs,
        locate,
        starter: this.#starterOf(process, fs),
        instanceId,
        heartbeat: HEARTBEAT,
      });
    }, ended);
  }

  /** All of them end, and none starts. */
  holdJobManagers(): void {
    const { livingJobManagers } = this;
    this.#held = new Set(livingJobManagers);
    livingJobManagers.forEach((name) => this.killJobManager(name, false));
  }

  /** What the HA store is now. */
  copyOfStore(): Promise<FolderContents> {
    return folderContents(this.#files, [STORE]);
  }

  /** Before others start than those that were held. */
  async putStoreBack(copy: FolderContents): Promise<void> {
    await putBack(this.#files, copy);
    const held = this.#held ?? new Set();
    this.#held = undefined;
    held.forEach((name) => this.startJobManager(name));
  }

  /** As somebody sees them who is no process of the cluster. */
  get #files(): DiskFileSystem {
    return new DiskFileSystem('memory', this.disk, seededRandom(this.#options.seed));
  }

  startTaskManager(name: string): void {
    const process = this.#process(name);
    const instanceId = `${name}-${this.#starts}`;
    const fs = this.#fileSystemOf(process);
    const taskManager = new TaskManagerProcess({
      process,
      transport: this.#transport(process, 'taskmanager', instanceId),
      services: () => this.#patiently(process, () => this.#services(process, fs, false)),
      threads: {
        data: this.data,
        locate: locator(fs),
        load: (program) => Promise.resolve(this.#translationOf(program)),
        userCode: this.userCode,
        channels: this.channels,
        copiesOf: this.#options.keepsCopies ? copiesOn(process, instanceId) : undefined,
      },
      observerOf: this.#options.observerOf,
      resourceId: name,
      instanceId,
      slots: this.#options.slots,
      heartbeat: HEARTBEAT,
      absenceTimeoutMs: ABSENCE_MS,
    });
    this.#taskManagers.set(name, taskManager);
    this.#background(() => taskManager.start());
  }

  /** What a client sends of a job. */
  submission(
    definition: JobDefinition,
    jobId: JobId,
    configuration: Readonly<Record<string, string>> = {},
  ): JobSubmission {
    const modulePath = modulePathOf(jobId);
    this.#definitions.set(modulePath, definition);
    const { jobGraph } = this.#translationOf({
      ...NO_INPUT,
      modulePath,
      configuration: builderSettings(configuration),
    });
    return { ...NO_INPUT, jobId, graph: jobGraph, bundle: Buffer.from('export default 1'), configuration };
  }

  /** Into the trace; `process` is empty for what strikes the world. */
  note(process: string, level: string, text: string): void {
    this.trace.push({ atMs: this.elapsedMs, process, level, text });
  }

  /** Since its beginning. */
  get elapsedMs(): number {
    return this.time.monotonic() - START_MS;
  }

  /** Goes on for so long, or until that holds; what is wrong is thrown. */
  async run(forMs: number, done: () => boolean = () => false): Promise<void> {
    await this.time.run(this.time.monotonic() + forMs, done, () => {
      if (this.#failures.length > 0) {
        throw this.#failures[0];
      }
      this.#options.observe();
    });
  }

  async settled<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.run(withinMs, () => isSettled);
    return isSettled ? promise : Promise.reject(new Error(`not within ${withinMs} ms`));
  }

  #process(name: string): SimulatedProcess {
    this.#starts++;
    return new SimulatedProcess({
      host: name,
      seed: this.#options.seed * 1_000 + this.#starts,
      time: this.time,
      network: this.network,
      skewMs: this.#options.skewMs(this.random),
      say: (process, level, message) => {
        if (level !== 'debug') {
          this.#options.said(process, message);
          this.note(process, level, message);
        }
      },
    });
  }

  #fileSystemOf(process: SimulatedProcess): DiskFileSystem {
    const disk = new SimulatedDisk({
      disk: this.disk,
      process,
      time: this.time,
      random: process.random,
      weather: this.#options.weather,
      changed: this.#options.changed,
    });
    return new DiskFileSystem('memory', disk, process.random);
  }

  /** As processes do at their start: whatever the store cannot be opened for now is tried again. */
  async #patiently<T>(process: SimulatedProcess, open: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await open();
      } catch (thrown) {
        process.logger.info(`The store cannot be opened now: ${messageOf(thrown)}`);
        await new Promise<void>((resolve) => {
          process.clock.after(RETRY_MS, resolve);
        });
      }
    }
  }

  #services(process: SimulatedProcess, fs: DiskFileSystem, mayLead: boolean): Promise<HighAvailabilityServices> {
    if (this.zookeeper !== undefined) {
      return this.zookeeper.open(process, mayLead);
    }
    const { clock, random, logger } = process;
    return EmbeddedServices.open({
      fs,
      clock,
      random,
      logger,
      folder: STORE,
      leaseMs: LEASE_MS,
      pollIntervalMs: POLL_MS,
      snapshotInterval: SNAPSHOT_INTERVAL,
      beforeCreation: mayLead ? async () => undefined : undefined,
    });
  }

  #transport(process: SimulatedProcess, role: ProcessRole, instanceId: string): RpcTransport {
    const self = { protocolVersion: PROTOCOL_VERSION, packageVersion: '0', clusterId: 'c', resourceId: process.host };
    return this.network.transport(process.host, {
      clock: process.clock,
      logger: process.logger,
      limits: defaultLimits,
      self: () => ({ ...self, role, instanceId }),
    });
  }

  #translationOf(program: JobProgram): Translation {
    const key = `${program.modulePath} ${JSON.stringify(program.configuration)}`;
    const known = this.#translations.get(key);
    if (known !== undefined) {
      return known;
    }
    const { translation } = planJob(this.#definitionOf(program.modulePath), program);
    this.#translations.set(key, translation);
    return translation;
  }

  #definitionOf(modulePath: string): JobDefinition {
    return present(this.#definitions.get(modulePath), modulePath);
  }

  #starterOf({ clock, random, logger }: SimulatedProcess, fs: DiskFileSystem): SimulatedJobStarter {
    const redraw = ({ jobId, configuration }: StoredJob, targets: RescaleTargets): RescaledPlan => {
      const program = { ...NO_INPUT, configuration: builderSettings(configuration) };
      return planRescaled(this.#definitionOf(modulePathOf(jobId)), program, targets);
    };
    return new SimulatedJobStarter({ fs, clock, random, logger }, redraw, AS_OF_USERS);
  }

  /** What a process does at its start. */
  #background(start: () => Promise<void>, failed = (error: unknown): void => void this.#failures.push(error)): void {
    start().catch(failed);
  }
}

const locator =
  (fs: DiskFileSystem) =>
  (uri: string): Location => ({ fs, path: uri.replace(/^memory:\/\//, '') });
