import type { Clock } from '../../foundation/common/clock.ts';
import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { secretsOf } from '../../foundation/config/secrets-of.ts';
import type {
  ClusterProcess,
  ClusterSight,
  ClusterStart,
  ClusterSuspension,
  LocalCluster,
  ProcessSignal,
  TaskManagerAddition,
} from '../../interfaces/cli/local-cluster.ts';
import { ClusterFolder, isAlive, type ProcessRecord } from './cluster-folder.ts';
import { planCluster, type ClusterPlan, type PlannedProcess } from './cluster-plan.ts';
import { LastWords } from './last-words.ts';
import { NetworkCut } from './network-cut/network-cut.ts';
import { newestTrouble } from './newest-trouble.ts';
import { NewWarnings } from './new-warnings.ts';
import { planAdditions } from './plan-additions.ts';
import { spawnProcess } from './spawn-process.ts';
import { Supervisor } from './supervisor.ts';
import { planEnsemble } from './zookeeper/plan-ensemble.ts';
import { allServe, serverModes } from './zookeeper/server-modes.ts';

export interface ProcessClusterOptions {
  readonly folder: string;
  /** What `jobmanager ...`, `taskmanager ...` and `cluster supervise` follow: Node and the `millrace` command. */
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The session of whoever leads, as the HA store of a cluster says; `settings`: how clients reach it. */
  readonly leaderSession: (settings: Readonly<Record<string, string>>) => Promise<string | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the supervisor's process; `logger` when missing. */
  readonly supervisorLogger?: (configuration: Configuration) => Logger;
  /** How long a start, and the end of a process, may take. */
  readonly startMs?: number;
  readonly stopMs?: number;
}

const START_MS = 60_000;
const STOP_MS = 30_000;
const LOOK_MS = 50;

/** JobManagers and TaskManagers as processes of their own on this machine. Only processes that its files name are ever touched. */
export class ProcessCluster implements LocalCluster {
  readonly cuts: NetworkCut;
  readonly #options: ProcessClusterOptions;
  readonly #folder: ClusterFolder;
  /** While it starts. */
  #warnings: NewWarnings | undefined;
  #lastWords: LastWords | undefined;

  constructor(options: ProcessClusterOptions) {
    this.#options = options;
    this.#folder = new ClusterFolder(options.folder);
    this.cuts = new NetworkCut({
      folder: options.folder,
      isAlive: async (which) => (await this.#find(which)) !== undefined,
    });
  }

  get folder(): string {
    return this.#folder.path;
  }

  settings(): Promise<Readonly<Record<string, string>> | undefined> {
    return this.#folder.settings();
  }

  async processes(): Promise<readonly ClusterProcess[]> {
    return (await this.#folder.records()).map((record) => ({
      name: record.name,
      kind: record.kind,
      pid: record.pid,
      isAlive: isAlive(record),
      restPort: record.restPort,
      ...(record.clientPort === undefined ? {} : { clientPort: record.clientPort }),
      restarts: record.restarts,
      log: record.log,
    }));
  }

  async zooKeeperModes(): Promise<ReadonlyMap<string, string>> {
    const servers = (await this.#folder.records()).filter(({ kind }) => kind === 'zookeeper');
    return serverModes(servers, this.#options.clock);
  }

  async troubles(): ReturnType<LocalCluster['troubles']> {
    return (await this.processes())
      .filter(({ kind }) => kind === 'jobmanager')
      .flatMap(({ name, log }) => {
        const trouble = newestTrouble(log);
        return trouble === undefined ? [] : [{ name, ...trouble }];
      });
  }

  async start(request: ClusterStart): Promise<void> {
    const folder = this.#folder;
    await folder.make();
    await this.#removeLeftOvers();
    const ensemble = await planEnsemble(request, folder, this.#options);
    const plan = await planCluster(request, folder, ensemble);
    // In an ensemble of its own, which is not started yet, nobody leads.
    if (plan.isHighlyAvailable && ensemble === undefined) {
      await this.#refuseOther(plan, await request.look(plan.settings), () => false);
    }
    await folder.claim(plan.settings);
    this.#warnings = new NewWarnings(plan.jobManagers.map(({ log }) => log));
    const { zooKeeper, jobManagers, taskManagers, supervisor } = plan;
    this.#lastWords = new LastWords([...zooKeeper, ...jobManagers, ...taskManagers, supervisor].map(({ log }) => log));
    try {
      await ensemble?.writeFiles();
      await this.#startInOrder(request, plan);
    } catch (thrown) {
      await this.stop();
      await ensemble?.undo();
      throw thrown;
    }
  }

  async addTaskManagers({
    count,
    configuration,
    areRegistered,
  }: TaskManagerAddition): ReturnType<LocalCluster['addTaskManagers']> {
    const { program, env, logger } = this.#options;
    const records = await this.#folder.records();
    if ((await this.settings()) === undefined || !records.some(({ kind }) => kind === 'jobmanager')) {
      throw new MillraceError(
        'BAD_OPTION',
        `no cluster is started in ${this.folder}; "millrace cluster start" starts one`,
      );
    }
    await using claim = await this.#folder.claimNames('taskmanager', count);
    const { names } = claim;
    const { taskManagers, env: secrets, isMemoryUnshared } = planAdditions(records, names, configuration);
    if (isMemoryUnshared) {
      logger.warn(
        'Each TaskManager counts with all of the memory of this machine; -D taskmanager.memory.process.size=<size> says what a new one may take',
      );
    }
    this.#lastWords = new LastWords(taskManagers.map(({ log }) => log));
    try {
      for (const planned of taskManagers) {
        await spawnProcess(this.#folder, { ...planned, restarts: 0, program, env: { ...env, ...secrets } });
      }
      await this.#until(`${names.join(', ')} are registered`, () => areRegistered(names), names);
    } catch (thrown) {
      await this.#stopAll(({ name }) => names.includes(name));
      throw thrown;
    }
    return names;
  }

  async stop(suspension?: ClusterSuspension): Promise<boolean> {
    const wasStarted = (await this.settings()) !== undefined;
    // It would start what ends.
    await this.#stopAll(({ kind }) => kind === 'supervisor');
    const isLeft = suspension === undefined || (await this.#suspend(suspension));
    // JobManagers last, to whom TaskManagers say that they go; unless one would take that for failures of its jobs.
    for (const last of isLeft ? (['taskmanager', 'jobmanager'] as const) : (['jobmanager', 'taskmanager'] as const)) {
      await this.#stopAll(({ kind }) => kind === last);
    }
    // All others say to it that they go.
    await this.#stopAll(({ kind }) => kind === 'zookeeper');
    await this.#folder.release();
    return wasStarted;
  }

  async signal(which: Pick<ClusterProcess, 'name' | 'pid'>, what: ProcessSignal): Promise<boolean> {
    const record = await this.#find(which);
    return record !== undefined && signal(record, what);
  }

  async startAgain(name: string, env: Readonly<Record<string, string>>): Promise<void> {
    const record = (await this.#folder.records()).find((each) => each.name === name);
    if (record === undefined || isAlive(record)) {
      throw new MillraceError(
        'BAD_OPTION',
        `${name} ${record === undefined ? `is no process of the cluster of ${this.folder}` : 'runs already'}`,
      );
    }
    const { program, env: own } = this.#options;
    await spawnProcess(this.#folder, { ...record, restarts: record.restarts + 1, program, env: { ...own, ...env } });
  }

  async startDead(configuration: Configuration, areThere: () => Promise<boolean>): Promise<readonly string[]> {
    const dead = (await this.#folder.records()).filter((record) => !isAlive(record));
    const names = dead.map(({ name }) => name);
    this.#lastWords = new LastWords(dead.map(({ log }) => log));
    for (const name of names) {
      await this.startAgain(name, secretsOf(configuration));
    }
    const servers = dead.filter(({ kind }) => kind === 'zookeeper');
    if (names.length > 0) {
      await this.#until(
        `${names.join(', ')} are there`,
        async () => (await allServe(servers, this.#options.clock)) && areThere(),
        names,
      );
    }
    return names;
  }

  supervise(configuration: Configuration, ended: Promise<void>): Promise<void> {
    const { clock, program, env } = this.#options;
    const folder = this.#folder;
    const logger = this.#options.supervisorLogger?.(configuration) ?? this.#options.logger;
    return new Supervisor({
      folder,
      clock,
      logger,
      startAgain: async (record) => {
        await spawnProcess(folder, { ...record, restarts: record.restarts + 1, program, env });
      },
    }).run(ended);
  }

  /** While it lives. */
  async #find({ name, pid }: Pick<ClusterProcess, 'name' | 'pid'>): Promise<ProcessRecord | undefined> {
    return (await this.#folder.records()).find((each) => each.name === name && each.pid === pid && isAlive(each));
  }

  /** Files of processes that have died. Errors: BAD_OPTION when one lives. */
  async #removeLeftOvers(): Promise<void> {
    const records = await this.#folder.records();
    const alive = records.filter(isAlive);
    if (alive.length > 0) {
      throw new MillraceError(
        'BAD_OPTION',
        `the cluster of ${this.folder} is started already: ${alive.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')}; ` +
          '"millrace cluster stop" ends it, "millrace cluster revive" starts what of it has died; --run-dir starts another one beside it',
      );
    }
    await Promise.all(records.map((record) => this.#folder.remove(record)));
    await this.#folder.release();
  }

  async #startInOrder(request: ClusterStart, plan: ClusterPlan): Promise<void> {
    const { program, env } = this.#options;
    const { settings, zooKeeper, jobManagers, taskManagers, supervisor } = plan;
    const all = { ...env, ...plan.env };
    const spawn = (planned: PlannedProcess, variables = all): Promise<ProcessRecord> =>
      spawnProcess(this.#folder, { ...planned, restarts: 0, program, env: variables });
    for (const planned of zooKeeper) {
      // It has no use for the secrets of the others.
      await spawn(planned, env);
    }
    await this.#until('the ZooKeeper servers serve', () => allServe(zooKeeper, this.#options.clock));
    // In this order; those who come too early wait. Without an HA store they would ask again after ever longer pauses.
    const together = plan.isHighlyAvailable ? [...jobManagers, ...taskManagers] : jobManagers;
    for (const planned of together) {
      await spawn(planned);
    }
    await this.#until('a JobManager leads', async () => {
      const sight = await request.look(settings);
      await this.#refuseOther(plan, sight, (address) =>
        jobManagers.some(({ restPort }) => address.endsWith(`:${restPort}`)),
      );
      return sight !== undefined;
    });
    for (const planned of taskManagers.filter((each) => !together.includes(each))) {
      await spawn(planned);
    }
    await this.#until(
      `${request.taskManagers} TaskManagers are registered`,
      async () => ((await request.look(settings))?.taskManagers ?? 0) >= request.taskManagers,
    );
    if (request.isSupervised) {
      await spawn(supervisor);
    }
  }

  /**
   * Two that share an HA store are one cluster: TaskManagers of the same names would be refused, and whoever stops one of them suspends
   * the jobs of both. An address in a store may be old, and another cluster's by now; the session tells.
   */
  async #refuseOther(
    plan: ClusterPlan,
    sight: ClusterSight | undefined,
    isOwn: (restAddress: string) => boolean,
  ): Promise<void> {
    if (sight === undefined || !plan.isHighlyAvailable) {
      return;
    }
    const { restAddress, sessionId } = sight.leader;
    if (!isOwn(restAddress) && (await this.#options.leaderSession(plan.settings)) === sessionId) {
      throw new MillraceError(
        'STORE_IN_USE',
        `another cluster runs on this HA store (${plan.storeText}): its leader is at ${restAddress}. End that one, or give this one an ` +
          'id of its own (-D high-availability.cluster-id=<name>); more processes for that one are started with "millrace jobmanager" and ' +
          '"millrace taskmanager"',
      );
    }
  }

  /** Errors: UNREACHABLE when a process (of these) dies meanwhile, or it takes too long. */
  async #until(what: string, holds: () => Promise<boolean>, names?: readonly string[]): Promise<void> {
    const { clock, startMs = START_MS } = this.#options;
    const deadline = clock.monotonic() + startMs;
    while (!(await holds())) {
      this.#warnings?.lines().forEach((line) => this.#options.logger.warn(line));
      const dead = (await this.#folder.records()).find(
        (record) => (names?.includes(record.name) ?? true) && !isAlive(record),
      );
      if (dead !== undefined) {
        throw new MillraceError('UNREACHABLE', `${dead.name} ${(this.#lastWords ?? new LastWords([])).of(dead.log)}`);
      }
      if (clock.monotonic() >= deadline) {
        throw new MillraceError(
          'UNREACHABLE',
          `after ${startMs / 1000} s it still does not hold that ${what}; see the logs in ${this.#folder.logs}`,
        );
      }
      await this.#pause();
    }
  }

  /** Standbys end first: none of them is to lead when the leader dies meanwhile. */
  async #suspend({ leaderPort, suspend }: ClusterSuspension): Promise<boolean> {
    if (leaderPort === undefined) {
      return false;
    }
    await this.#stopAll(({ kind, restPort }) => kind === 'jobmanager' && restPort !== leaderPort);
    try {
      await suspend();
      return true;
    } catch (thrown) {
      this.#options.logger.warn(`The leader does not leave its jobs alone, and ends first: ${messageOf(thrown)}`);
      return false;
    }
  }

  /** Asks each to end; one that does not is ended. */
  async #stopAll(isMeant: (record: ProcessRecord) => boolean): Promise<void> {
    const { clock, stopMs = STOP_MS, logger } = this.#options;
    const records = (await this.#folder.records()).filter(isMeant);
    records.forEach((record) => signal(record, 'SIGTERM'));
    const deadline = clock.monotonic() + stopMs;
    while (records.some(isAlive) && clock.monotonic() < deadline) {
      await this.#pause();
    }
    for (const record of records.filter(isAlive)) {
      logger.warn(`${record.name} (pid ${record.pid}) did not end within ${stopMs / 1000} s and is killed`);
      signal(record, 'SIGKILL');
    }
    while (records.some(isAlive)) {
      await this.#pause();
    }
    await Promise.all(records.map((record) => this.#folder.remove(record)));
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(LOOK_MS, resolve);
    });
  }
}

/** A number that is another process's by now gets no signal. */
const signal = (record: ProcessRecord, name: 'SIGTERM' | ProcessSignal): boolean => {
  if (!isAlive(record)) {
    return false;
  }
  try {
    process.kill(record.pid, name);
    if (name === 'SIGTERM') {
      // A paused one would never hear of it.
      process.kill(record.pid, 'SIGCONT');
    }
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') {
      throw error;
    }
    return false;
  }
};
