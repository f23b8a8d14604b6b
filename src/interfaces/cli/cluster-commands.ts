import type { Command } from 'commander';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { codeOf, messageOf, MillraceError, type ErrorCode } from '../../foundation/common/errors.ts';
import { overviewSchema, taskManagersSchema, type ClusterOverviewBody } from '../rest/schema/cluster-schema.ts';
import { alignedLines } from './aligned-lines.ts';
import { clusterSlots } from './cluster/cluster-slots.ts';
import { clusterOf, type TargetEnvironment } from './cluster/cluster-target.ts';
import type { RestClient } from './cluster/rest-client.ts';
import { portOf, settleJobs } from './cluster-stop.ts';
import { withConfiguration, type ClusterFlags } from './control-commands.ts';
import { EXIT_CODE_OF, Interrupts } from './interrupts.ts';
import { leaderlessLines } from './leaderless-lines.ts';
import type { ClusterProcess, ClusterSight, LocalCluster } from './local-cluster.ts';
import type { InterruptSignal, RunEnvironment } from './run-command.ts';
import type { Terminal } from './terminal.ts';

/** A JobManager or TaskManager in this process. */
export interface RunningProcess {
  /** It ended by itself; rejects with why. */
  readonly ended: Promise<void>;
  /** In order. */
  stop(): Promise<void>;
}

/** `undefined`: `stopped` came while it waited for what it needs, and nothing of it is left. */
export type StartProcess = (
  configuration: Configuration,
  options: { readonly isInsecure: boolean; readonly stopped: AbortSignal },
) => Promise<RunningProcess | undefined>;

/** Given by the process; commands that it cannot serve are not there. */
export interface ClusterCommands {
  /** `folder`: `--run-dir`; the user's default when missing. */
  readonly openLocalCluster?: (folder: string | undefined) => Promise<LocalCluster>;
  readonly startJobManager?: StartProcess;
  readonly startTaskManager?: StartProcess;
}

export interface ClusterCommandLine
  extends ClusterCommands, TargetEnvironment, Pick<RunEnvironment, 'onInterrupt' | 'exitNow'> {
  readonly terminal: Terminal;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

export const addClusterCommands = (program: Command, environment: ClusterCommandLine): void => {
  const { startJobManager, startTaskManager, openLocalCluster } = environment;
  if (startJobManager !== undefined) {
    const text = 'run a JobManager in this process, until it is told to end';
    addProcess(program, 'jobmanager', text, startJobManager, environment);
  }
  if (startTaskManager !== undefined) {
    const text = 'run a TaskManager in this process, until it is told to end';
    addProcess(program, 'taskmanager', text, startTaskManager, environment);
  }
  if (openLocalCluster !== undefined) {
    const cluster = program.command('cluster').description('a cluster of processes on this machine').exitOverride();
    addStart(cluster, environment, openLocalCluster);
    addAdd(cluster, environment, openLocalCluster);
    addRevive(cluster, environment, openLocalCluster);
    addStop(cluster, environment, openLocalCluster);
    addStatus(cluster, environment, openLocalCluster);
    addSupervise(cluster, environment, openLocalCluster);
  }
};

interface ProcessFlags extends ClusterFlags {
  readonly insecure?: boolean;
}

const INSECURE = 'let whoever reaches the REST endpoint beyond this machine run code in the cluster';

const addProcess = (
  program: Command,
  name: string,
  description: string,
  start: StartProcess,
  environment: ClusterCommandLine,
): void => {
  const command = withConfiguration(program.command(name)).description(description).exitOverride();
  if (name === 'jobmanager') {
    command.option('--insecure', INSECURE);
  }
  command.action(async (flags: ProcessFlags) => {
    const interrupts = new Interrupts(environment);
    const stop = new AbortController();
    interrupts.onInterrupt(() => stop.abort());
    try {
      const isInsecure = flags.insecure === true;
      const running = await start(environment.load(flags), { isInsecure, stopped: stop.signal });
      const ended = await Promise.race([running?.ended, interrupted(interrupts)]);
      if (ended !== undefined) {
        await running?.stop();
      }
      environment.exit(ended === 'SIGPIPE' ? EXIT_CODE_OF.SIGPIPE : 0);
    } finally {
      interrupts.close();
    }
  });
};

const interrupted = (interrupts: Interrupts): Promise<InterruptSignal> =>
  new Promise((resolve) => {
    interrupts.onInterrupt(resolve);
  });

type Open = NonNullable<ClusterCommands['openLocalCluster']>;

interface FolderFlags {
  readonly runDir?: string;
}

const withFolder = (command: Command): Command =>
  command.option('--run-dir <dir>', 'folder of the cluster; else MILLRACE_RUN_DIR, else ~/.millrace/cluster');

interface StartFlags extends ProcessFlags, FolderFlags {
  readonly jobmanagers: string;
  readonly taskmanagers: string;
  readonly supervise?: boolean;
}

const addStart = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('start')))
    .description('start JobManagers and TaskManagers in the background')
    .option('--jobmanagers <n>', 'JobManagers; one of them leads', '1')
    .option('--taskmanagers <n>', 'TaskManagers', '1')
    .option('--supervise', 'start a process again when it dies')
    .option('--insecure', INSECURE)
    .exitOverride()
    .action(async (flags: StartFlags) => {
      const { terminal } = environment;
      const local = await open(flags.runDir);
      const jobManagers = countOf(flags.jobmanagers, '--jobmanagers', 1);
      const taskManagers = countOf(flags.taskmanagers, '--taskmanagers', 0);
      const configuration = environment.load(flags);
      await local.start({
        jobManagers,
        taskManagers,
        isSupervised: flags.supervise === true,
        isInsecure: flags.insecure === true,
        configuration,
        configDir: flags.config,
        look: async (settings) => {
          const client = await clientOf(
            { ...environment, startedCluster: () => Promise.resolve(settings) },
            configuration,
          );
          const overview = await overviewOf(client);
          return overview === undefined ? undefined : sightOf(overview);
        },
      });
      for (const { name, pid, restPort } of await local.processes()) {
        await terminal.print(`${name} (pid ${pid})${restPort === undefined ? '' : ` REST port ${restPort}`}`);
      }
      await terminal.print(`Cluster started. Its files are in ${local.folder}`);
    });
};

const addAdd = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('add')))
    .description('start more TaskManagers of a cluster that runs, as its others were started')
    .option('--taskmanagers <n>', 'so many more', '1')
    .exitOverride()
    .action(async (flags: ClusterFlags & FolderFlags & Pick<StartFlags, 'taskmanagers'>) => {
      const { terminal } = environment;
      const local = await open(flags.runDir);
      const configuration = environment.load(flags);
      const names = await local.addTaskManagers({
        count: countOf(flags.taskmanagers, '--taskmanagers', 1),
        configuration,
        areRegistered: async (wanted) => {
          const settings = await local.settings();
          const target = { ...environment, startedCluster: () => Promise.resolve(settings) };
          const registered = await taskManagersOf(await clientOf(target, configuration));
          return wanted.every((name) => registered?.includes(name) === true);
        },
      });
      for (const { name, pid } of await local.processes()) {
        if (names.includes(name)) {
          await terminal.print(`${name} (pid ${pid})`);
        }
      }
    });
};

/** Names of those that are registered; none where nobody leads now. */
const addRevive = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('revive')))
    .description(
      'start the processes of the cluster that have died again, as they were started; --supervise does it by itself',
    )
    .exitOverride()
    .action(async (flags: ClusterFlags & FolderFlags) => {
      const { terminal } = environment;
      const local = await open(flags.runDir);
      const dead = (await local.processes()).filter(({ isAlive }) => !isAlive);
      const taskManagers = dead.flatMap(({ kind, name }) => (kind === 'taskmanager' ? [name] : []));
      const [configuration, settings] = [environment.load(flags), await local.settings()];
      const target = { ...environment, startedCluster: () => Promise.resolve(settings) };
      const names = await local.startDead(configuration, async () => {
        const registered = await taskManagersOf(await clientOf(target, configuration));
        return registered !== undefined && taskManagers.every((name) => registered.includes(name));
      });
      await terminal.print(names.length === 0 ? 'No process is dead.' : `Started again: ${names.join(', ')}`);
    });
};

/** Names of those that are registered; `undefined`: nobody leads now. */
const taskManagersOf = async (client: RestClient | undefined): Promise<readonly string[] | undefined> =>
  (await unlessAway(client?.ask('GET', '/taskmanagers', taskManagersSchema)))?.taskmanagers.map(({ id }) => id);

const sightOf = ({ taskmanagers, leader }: ClusterOverviewBody): ClusterSight => ({
  taskManagers: taskmanagers,
  leader: { restAddress: leader['rest-address'], sessionId: leader['session-id'] },
});

const countOf = (text: string, option: string, least: number): number => {
  if (!/^\d{1,3}$/.test(text) || Number(text) < least) {
    throw new MillraceError('BAD_OPTION', `${option} is '${text}'; allowed: a whole number from ${least} to 999`);
  }
  return Number(text);
};

/** Unless it is to wait for a leader it asks once: whoever calls it asks again. */
const clientOf = async (
  environment: TargetEnvironment,
  configuration: Configuration,
  awaitLeaderMs = 0,
): Promise<RestClient | undefined> => {
  const patient = configuration.with({ 'rest.await-leader-timeout': awaitLeaderMs }, 'millrace cluster');
  return (await clusterOf({}, patient, environment))?.client;
};

const overviewOf = (client: RestClient | undefined): Promise<ClusterOverviewBody | undefined> =>
  unlessAway(client?.ask('GET', '/overview', overviewSchema));

/** `undefined`: nobody leads now. */
const unlessAway = async <T>(answer: Promise<T> | undefined): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.retryable) {
      return undefined;
    }
    throw thrown;
  }
};

interface ClusterAnswer {
  readonly overview?: ClusterOverviewBody;
  /** Somebody answers, and not this question; for want of a token for instance. */
  readonly refusal?: unknown;
  /** Somebody leads by the HA store, and cannot be reached; for want of certificates for instance. */
  readonly obstacle?: string;
}

const answerOf = async (client: RestClient | undefined): Promise<ClusterAnswer> => {
  try {
    return client === undefined ? {} : { overview: await client.ask('GET', '/overview', overviewSchema) };
  } catch (thrown) {
    if (!(thrown instanceof MillraceError && thrown.retryable)) {
      return { refusal: thrown };
    }
    return thrown.code === 'UNREACHABLE' ? { obstacle: messageOf(thrown) } : {};
  }
};

/** A leader that died, or hangs, is replaced in this time. */
const STOP_AWAIT_LEADER_MS = 10_000;

interface StopFlags extends ClusterFlags, FolderFlags {
  readonly checkpoint: boolean;
  readonly stopJobs?: boolean;
}

/** Somebody leads and does not take this command's questions, for want of a token for instance: to end the processes needs none. */
const notAsked = (thrown: unknown, { checkpoint, stopJobs }: StopFlags, terminal: Terminal): undefined => {
  if (!checkpoint && stopJobs !== true) {
    terminal.log(`WARN ending the processes without asking: ${messageOf(thrown)}`);
    return undefined;
  }
  const wayOut = stopJobs === true ? 'without --stop-jobs and with --no-checkpoint' : 'with --no-checkpoint';
  throw new MillraceError(
    (codeOf(thrown) ?? 'REMOTE_FAILED') as ErrorCode,
    `${messageOf(thrown)}; ${wayOut} the processes are ended without asking, and jobs go on from their newest checkpoints`,
    { cause: thrown },
  );
};

const addStop = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('stop')))
    .description('end all processes of the cluster; its jobs go on at the next start')
    .option('--no-checkpoint', 'take no checkpoint of each job before')
    .option('--stop-jobs', 'end each job with a savepoint before')
    .exitOverride()
    .action(async (flags: StopFlags) => {
      const { terminal } = environment;
      const local = await open(flags.runDir);
      const settings = await local.settings();
      if (settings === undefined) {
        await local.stop();
        await terminal.print(`No cluster is started in ${local.folder}.`);
        return;
      }
      const target = { ...environment, startedCluster: () => Promise.resolve(settings) };
      const hasJobManager = (await local.processes()).some(({ kind, isAlive }) => kind === 'jobmanager' && isAlive);
      const client = await clientOf(target, environment.load(flags), hasJobManager ? STOP_AWAIT_LEADER_MS : 0);
      const suspension = await settleJobs({
        client,
        overview: await overviewOf(client).catch((thrown: unknown) => notAsked(thrown, flags, terminal)),
        takesCheckpoints: flags.checkpoint,
        stopsJobs: flags.stopJobs === true,
        isHighlyAvailable: (settings['high-availability.type'] ?? 'none') !== 'none',
        terminal,
        clock: environment.clock,
      });
      await local.stop(suspension);
      await terminal.print('Cluster stopped.');
    });
};

const addStatus = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('status')))
    .description('list the processes of the cluster; exits with 1 when one is dead or nobody leads')
    .exitOverride()
    .action(async (flags: ClusterFlags & FolderFlags) => {
      const { terminal, exit } = environment;
      const local = await open(flags.runDir);
      const [settings, processes] = [await local.settings(), await local.processes()];
      if (settings === undefined) {
        await terminal.print(`No cluster is started in ${local.folder}.`);
        exit(1);
        return;
      }
      const target = { ...environment, startedCluster: () => Promise.resolve(settings) };
      const client = await clientOf(target, environment.load(flags));
      const { overview, refusal, obstacle } = await answerOf(client);
      const rows = processes.map((process) => [
        process.name,
        String(process.pid),
        stateOf(process, overview),
        String(process.restarts),
        process.log,
      ]);
      for (const line of alignedLines([['Process', 'Pid', 'State', 'Restarts', 'Log'], ...rows])) {
        await terminal.print(line);
      }
      if (refusal !== undefined) {
        throw refusal;
      }
      const slots =
        overview === undefined || client === undefined
          ? leaderlessLines(processes, await local.troubles(), obstacle)
          : await clusterSlots(overview, client);
      for (const line of slots) {
        await terminal.print(line);
      }
      const hasDied = processes.some(({ isAlive }) => !isAlive);
      if (hasDied) {
        await terminal.print('"millrace cluster revive" starts again what has died');
      }
      if (overview === undefined || hasDied) {
        exit(1);
      }
    });
};

const stateOf = ({ kind, isAlive, restPort }: ClusterProcess, overview: ClusterOverviewBody | undefined): string => {
  if (!isAlive) {
    return 'dead';
  }
  const leads = overview !== undefined && restPort !== undefined && portOf(overview) === restPort;
  return kind !== 'jobmanager' || overview === undefined ? 'alive' : leads ? 'alive, leads' : 'alive, standby';
};

/** What `cluster start --supervise` runs in the background. */
const addSupervise = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('supervise', { hidden: true })))
    .exitOverride()
    .action(async (flags: ClusterFlags & FolderFlags) => {
      const interrupts = new Interrupts(environment);
      try {
        const local = await open(flags.runDir);
        await local.supervise(
          environment.load(flags),
          interrupted(interrupts).then(() => {}),
        );
      } finally {
        interrupts.close();
      }
    });
};
