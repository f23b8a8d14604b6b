import { Option, type Command } from 'commander';
import { alignedLines } from './aligned-lines.ts';
import type { TargetFlags } from './cluster/cluster-target.ts';
import { IncompleteList } from './incomplete-list.ts';
import type { JobControl, JobSummary } from './job-control.ts';
import { shellWord } from './shell-word.ts';
import type { Terminal } from './terminal.ts';

/** What every command has that talks to a cluster. */
export interface ClusterFlags extends TargetFlags {
  readonly D: readonly string[];
  readonly config?: string;
}

export interface ControlEnvironment {
  readonly terminal: Terminal;
  readonly openControl: (flags: ClusterFlags) => Promise<JobControl>;
  readonly exit: (code: number) => void;
}

export type AddCommand = (program: Command, environment: ControlEnvironment) => void;

export const JOB_ID = ['<job id>', 'id of the job, or the beginning of it'] as const;
const SAVEPOINT_FOLDER = 'folder of the savepoint; execution.checkpointing.savepoint-dir when missing';

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** `-D`, `--config`. */
export const withConfiguration = (command: Command): Command =>
  command
    .addOption(new Option('-D <key=value>', 'set a configuration value').argParser(collect).default([], 'none'))
    .option('--config <dir>', 'folder (or file) of the configuration; else MILLRACE_CONF_DIR, FLINK_CONF_DIR, ./conf');

/** `-m`, `-t`, `-D`, `--config`. */
export const withTarget = (command: Command): Command =>
  withConfiguration(command)
    .option('-m, --jobmanager <host:port>', 'the cluster: the REST endpoint of any of its JobManagers')
    .option('-t, --target <target>', 'remote: the cluster of the configuration; local: this machine without a cluster');

/** The commands for jobs that run: Flink's names and options. */
export const addControlCommands: AddCommand = (program, environment) => {
  for (const add of [addList, addCancel, addStop, addSavepoint, addCheckpoint, addRetry]) {
    add(program, environment);
  }
};

interface ListFlags extends ClusterFlags {
  readonly running?: boolean;
  readonly scheduled?: boolean;
  readonly all?: boolean;
}

/** Before a job runs for the first time. */
const isScheduled = ({ status }: JobSummary): boolean => status === 'CREATED' || status === 'INITIALIZING';

const isListed = (job: JobSummary, { running, scheduled, all }: ListFlags): boolean => {
  if (all === true) {
    return true;
  }
  if (job.hasEnded === true) {
    return false;
  }
  return running === scheduled || (isScheduled(job) ? scheduled === true : running === true);
};

const addList: AddCommand = (program, { terminal, openControl }) => {
  withTarget(program.command('list'))
    .description('list jobs: those of the cluster, and those that run on this machine')
    .option('-r, --running', 'only those that run')
    .option('-s, --scheduled', 'only those that do not run yet')
    .option('-a, --all', 'also those that have ended')
    .exitOverride()
    .action(async (flags: ListFlags) => {
      const found = await listed(await openControl(flags));
      await printJobs(
        found.jobs.filter((job) => isListed(job, flags)),
        // Of those who could not be asked nobody knows that they have none.
        found.failure === undefined ? emptyText(flags) : undefined,
        terminal,
      );
      if (found.failure !== undefined) {
        throw found.failure;
      }
    });
};

const listed = async (
  control: JobControl,
): Promise<{ readonly jobs: readonly JobSummary[]; readonly failure?: IncompleteList }> => {
  try {
    return { jobs: await control.list() };
  } catch (thrown) {
    if (thrown instanceof IncompleteList) {
      return { jobs: thrown.jobs, failure: thrown };
    }
    throw thrown;
  }
};

const printJobs = async (
  jobs: readonly JobSummary[],
  ifNone: string | undefined,
  terminal: Terminal,
): Promise<void> => {
  if (jobs.length === 0) {
    if (ifNone !== undefined) {
      await terminal.print(ifNone);
    }
    return;
  }
  const rows = jobs.map(({ jobId, jobName, status, startedMs, place }) => [
    jobId,
    status,
    new Date(startedMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    place,
    jobName,
  ]);
  for (const line of alignedLines([['JobID', 'Status', 'Started', 'Runs in', 'Name'], ...rows])) {
    await terminal.print(line);
  }
  for (const { jobId, jobName, waiting } of jobs) {
    if (waiting !== undefined) {
      await terminal.print(`${jobName} (${jobId}) waits: ${waiting}`);
    }
  }
};

const emptyText = ({ jobmanager, target, running, scheduled }: ListFlags): string => {
  const kind = running === scheduled ? '' : running === true ? 'running ' : 'scheduled ';
  return jobmanager !== undefined || target === 'remote'
    ? `The cluster has no ${kind}jobs.`
    : `No ${kind}jobs run on this machine for this user.`;
};

const addCancel: AddCommand = (program, { terminal, openControl, exit }) => {
  withTarget(program.command('cancel'))
    .description('cancel a running job; its checkpoints stay or go as its retention says')
    .argument(...JOB_ID)
    .exitOverride()
    .action(async (job: string, flags: ClusterFlags) => {
      const { status, retainedCheckpoint } = await (await openControl(flags)).cancel(job);
      if (status === 'CANCELED') {
        await terminal.print(`Cancelled job ${job}.`);
      } else {
        terminal.log(`Job ${job} had ${status === 'FINISHED' ? 'finished' : 'failed'} before it could be cancelled.`);
        exit(1);
      }
      if (retainedCheckpoint !== undefined) {
        await sayContinuation(terminal, retainedCheckpoint);
      }
    });
};

interface StopFlags extends ClusterFlags {
  readonly savepointPath?: string;
  readonly drain?: boolean;
}

const addStop: AddCommand = (program, { terminal, openControl }) => {
  withTarget(program.command('stop'))
    .description('take a savepoint, commit all output up to it, and end the job')
    .argument(...JOB_ID)
    .option('-p, --savepointPath <dir>', SAVEPOINT_FOLDER)
    .option('-d, --drain', 'end the input first, so that all windows fire; not for a job that is to go on later')
    .exitOverride()
    .action(async (job: string, flags: StopFlags) => {
      const drain = flags.drain === true;
      terminal.log(`${drain ? 'Draining' : 'Suspending'} job ${job} with a savepoint ...`);
      await sayCompleted(terminal, await (await openControl(flags)).stop(job, { folder: flags.savepointPath, drain }));
    });
};

interface SavepointFlags extends ClusterFlags {
  readonly dispose?: string;
}

const addSavepoint: AddCommand = (program, environment) => {
  const { terminal, openControl } = environment;
  const savepoint = program.command('savepoint').description('take a savepoint of a job that goes on, or delete one');
  const trigger = async (job: string, folder: string | undefined, flags: ClusterFlags): Promise<void> => {
    terminal.log(`Triggering a savepoint of job ${job} ...`);
    await sayCompleted(terminal, await (await openControl(flags)).savepoint(job, folder));
  };
  const dispose = async (path: string, flags: ClusterFlags): Promise<void> => {
    terminal.log(`Disposing of the savepoint ${path} ...`);
    await (await openControl(flags)).dispose(path);
    await terminal.print(`Savepoint '${path}' disposed.`);
  };
  withTarget(savepoint)
    .usage('[trigger] <job id> [dir] | dispose <path> | --dispose <path>')
    .argument('[job id]', 'id of the job, or the beginning of it')
    .argument('[dir]', SAVEPOINT_FOLDER)
    .argument('[more]', 'the folder after "trigger <job id>"')
    .option('-d, --dispose <path>', 'delete this savepoint')
    .exitOverride()
    .action(
      async (
        first: string | undefined,
        second: string | undefined,
        third: string | undefined,
        flags: SavepointFlags,
      ) => {
        const place = flags.dispose ?? (first === 'dispose' ? second : undefined);
        if (place !== undefined) {
          await dispose(place, flags);
        } else if (first === 'trigger' && second !== undefined) {
          await trigger(second, third, flags);
        } else if (first === undefined || first === 'dispose' || first === 'trigger') {
          savepoint.error(`error: missing ${first === 'dispose' ? 'path' : 'required argument: job id'}`);
        } else {
          await trigger(first, second, flags);
        }
      },
    );
};

const addCheckpoint: AddCommand = (program, { terminal, openControl }) => {
  withTarget(program.command('checkpoint'))
    .description('take a checkpoint now, whatever the interval is')
    .argument(...JOB_ID)
    .exitOverride()
    .action(async (job: string, flags: ClusterFlags) => {
      terminal.log(`Triggering a checkpoint of job ${job} ...`);
      const path = await (await openControl(flags)).checkpoint(job);
      await terminal.print(`Checkpoint completed. Path: ${path}`);
    });
};

const addRetry: AddCommand = (program, { terminal, openControl }) => {
  withTarget(program.command('retry'))
    .description('try a job again that is set aside, after what it needs was mended')
    .argument(...JOB_ID)
    .exitOverride()
    .action(async (job: string, flags: ClusterFlags) => {
      const status = await (await openControl(flags)).retry(job);
      await terminal.print(
        status === undefined
          ? `Job ${job} is taken up again.`
          : `Job ${job} is not set aside, it is ${status}: there was nothing to do.`,
      );
    });
};

const sayCompleted = async (terminal: Terminal, savepoint: string): Promise<void> => {
  await terminal.print(`Savepoint completed. Path: ${savepoint}`);
  await sayContinuation(terminal, savepoint);
};

export const sayContinuation = async (terminal: Terminal, place: string): Promise<void> =>
  terminal.print(`Continue with: millrace run --fromSavepoint ${shellWord(place)} <job file>`);
