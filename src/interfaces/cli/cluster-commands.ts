import type { Command } from 'commander';
import { codeOf, messageOf, MillraceError, type ErrorCode } from '../../foundation/common/errors.ts';
import { taskManagersSchema, type ClusterOverviewBody } from '../rest/schema/cluster-schema.ts';
import type { RestClient } from './cluster/rest-client.ts';
import {
  clientOf,
  overviewOf,
  unlessAway,
  withFolder,
  type ClusterCommandLine,
  type FolderFlags,
  type Open,
  type StartProcess,
} from './cluster-command-line.ts';
import { addClusterStatus } from './cluster-status.ts';
import { settleJobs } from './cluster-stop.ts';
import { withConfiguration, type ClusterFlags } from './control-commands.ts';
import { EXIT_CODE_OF, Interrupts } from './interrupts.ts';
import type { ClusterProcess, ClusterSight } from './local-cluster.ts';
import type { InterruptSignal } from './run-command.ts';
import type { Terminal } from './terminal.ts';

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
    addClusterStatus(cluster, environment, openLocalCluster);
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

interface StartFlags extends ProcessFlags, FolderFlags {
  readonly jobmanagers: string;
  readonly taskmanagers: string;
  readonly zookeeper?: string;
  readonly supervise?: boolean;
}

const addStart = (cluster: Command, environment: ClusterCommandLine, open: Open): void => {
  withFolder(withConfiguration(cluster.command('start')))
    .description('start JobManagers and TaskManagers in the background')
    .option('--jobmanagers <n>', 'JobManagers; one of them leads', '1')
    .option('--taskmanagers <n>', 'TaskManagers', '1')
    .option('--zookeeper <n>', 'a ZooKeeper ensemble of so many servers too, which the JobManagers agree through')
    .option('--supervise', 'start a process again when it dies')
    .option('--insecure', INSECURE)
    .exitOverride()
    .action(async (flags: StartFlags) => {
      const { terminal } = environment;
      const local = await open(flags.runDir);
      const jobManagers = countOf(flags.jobmanagers, '--jobmanagers', 1);
      const taskManagers = countOf(flags.taskmanagers, '--taskmanagers', 0);
      const zooKeeperServers = flags.zookeeper === undefined ? undefined : ensembleSize(flags.zookeeper, terminal);
      const configuration = environment.load(flags);
      await local.start({
        jobManagers,
        taskManagers,
        ...(zooKeeperServers === undefined ? {} : { zooKeeperServers }),
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
      for (const process of await local.processes()) {
        await terminal.print(`${process.name} (pid ${process.pid})${portText(process)}`);
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

const portText = ({ restPort, clientPort }: ClusterProcess): string =>
  restPort === undefined ? (clientPort === undefined ? '' : ` client port ${clientPort}`) : ` REST port ${restPort}`;

const MOST_ZOOKEEPERS = 5;

const ensembleSize = (text: string, terminal: Terminal): number => {
  if (!/^[1-5]$/.test(text)) {
    throw new MillraceError('BAD_OPTION', `--zookeeper is '${text}'; allowed: 1 to ${MOST_ZOOKEEPERS} servers`);
  }
  const servers = Number(text);
  if (servers % 2 === 0) {
    const lost = servers / 2 - 1;
    terminal.log(
      `WARN --zookeeper ${servers}: it costs a server more and bears no more failures (${lost}) than ${servers - 1}`,
    );
  }
  return servers;
};

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
