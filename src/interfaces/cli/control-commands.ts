import type { Command } from 'commander';
import { alignedLines } from './aligned-lines.ts';
import type { JobControl } from './job-control.ts';
import { shellWord } from './shell-word.ts';
import type { Terminal } from './terminal.ts';

export interface ControlEnvironment {
  readonly terminal: Terminal;
  readonly openControl: () => Promise<JobControl>;
  readonly exit: (code: number) => void;
}

type AddCommand = (program: Command, environment: ControlEnvironment) => void;

const JOB_ID = ['<job id>', 'id of the job, or the beginning of it'] as const;
const SAVEPOINT_FOLDER = 'folder of the savepoint; execution.checkpointing.savepoint-dir when missing';

/** The commands for jobs that run: Flink's names and options. */
export const addControlCommands: AddCommand = (program, environment) => {
  for (const add of [addList, addCancel, addStop, addSavepoint, addCheckpoint]) {
    add(program, environment);
  }
};

const addList: AddCommand = (program, { terminal, openControl }) => {
  program
    .command('list')
    .description('list the jobs that run on this machine')
    .exitOverride()
    .action(async () => {
      const jobs = await (await openControl()).list();
      if (jobs.length === 0) {
        await terminal.print('No jobs run on this machine for this user.');
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
    });
};

const addCancel: AddCommand = (program, { terminal, openControl, exit }) => {
  program
    .command('cancel')
    .description('cancel a running job; its checkpoints stay or go as its retention says')
    .argument(...JOB_ID)
    .exitOverride()
    .action(async (job: string) => {
      const { status, retainedCheckpoint } = await (await openControl()).cancel(job);
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

const addStop: AddCommand = (program, { terminal, openControl }) => {
  program
    .command('stop')
    .description('take a savepoint, commit all output up to it, and end the job')
    .argument(...JOB_ID)
    .option('-p, --savepointPath <dir>', SAVEPOINT_FOLDER)
    .option('-d, --drain', 'end the input first, so that all windows fire; not for a job that is to go on later')
    .exitOverride()
    .action(async (job: string, flags: { readonly savepointPath?: string; readonly drain?: boolean }) => {
      const drain = flags.drain === true;
      terminal.log(`${drain ? 'Draining' : 'Suspending'} job ${job} with a savepoint ...`);
      await sayCompleted(terminal, await (await openControl()).stop(job, { folder: flags.savepointPath, drain }));
    });
};

const addSavepoint: AddCommand = (program, { terminal, openControl }) => {
  program
    .command('savepoint')
    .description('take a savepoint; the job goes on')
    .argument(...JOB_ID)
    .argument('[dir]', SAVEPOINT_FOLDER)
    .exitOverride()
    .action(async (job: string, folder: string | undefined) => {
      terminal.log(`Triggering a savepoint of job ${job} ...`);
      await sayCompleted(terminal, await (await openControl()).savepoint(job, folder));
    });
};

const addCheckpoint: AddCommand = (program, { terminal, openControl }) => {
  program
    .command('checkpoint')
    .description('take a checkpoint now, whatever the interval is')
    .argument(...JOB_ID)
    .exitOverride()
    .action(async (job: string) => {
      terminal.log(`Triggering a checkpoint of job ${job} ...`);
      const path = await (await openControl()).checkpoint(job);
      await terminal.print(`Checkpoint completed. Path: ${path}`);
    });
};

const sayCompleted = async (terminal: Terminal, savepoint: string): Promise<void> => {
  await terminal.print(`Savepoint completed. Path: ${savepoint}`);
  await sayContinuation(terminal, savepoint);
};

const sayContinuation = async (terminal: Terminal, place: string): Promise<void> =>
  terminal.print(`Continue with: millrace run --fromSavepoint ${shellWord(place)} <job file>`);
