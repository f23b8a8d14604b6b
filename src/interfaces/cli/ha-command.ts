import type { Command } from 'commander';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { alignedLines } from './aligned-lines.ts';
import { startedConfiguration } from './cluster/cluster-target.ts';
import { withConfiguration, type ClusterFlags } from './control-commands.ts';
import { addHaDeleteCommand, type HaDeleteCommands } from './ha/ha-delete-command.ts';
import { addHaStatusCommand, type HaStatusCommands } from './ha/ha-status-command.ts';
import type { Terminal } from './terminal.ts';

/** What the files of a cluster say of its jobs. */
export interface RestoredStore {
  readonly jobs: readonly {
    readonly jobId: string;
    readonly jobName: string;
    /** Its `_metadata`; `undefined`: it starts from its beginning. */
    readonly checkpoint: string | undefined;
  }[];
  /** So many of them were written; in a dry run: would be. */
  readonly written: number;
  /** Jobs that have a result. */
  readonly ended: number;
  /** What cannot be used; what it belongs to is left out. */
  readonly broken: readonly { readonly path: string; readonly message: string }[];
}

export interface HaCommands extends HaStatusCommands, HaDeleteCommands {
  readonly restoreStore: (
    configuration: Configuration,
    options: { readonly isDryRun: boolean; readonly addsMissing: boolean },
  ) => Promise<RestoredStore>;
}

export interface HaCommandLine extends HaCommands {
  readonly terminal: Terminal;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

interface RestoreFlags extends ClusterFlags {
  readonly fromStorage?: boolean;
  readonly dryRun?: boolean;
  readonly missing?: boolean;
}

/** `millrace ha`: care for the HA store. */
export const addHaCommand = (program: Command, environment: HaCommandLine): void => {
  const ha = program.command('ha').description('care for the HA store of a cluster').exitOverride();
  addHaStatusCommand(ha, environment);
  addHaDeleteCommand(ha, environment);
  withConfiguration(ha.command('restore'))
    .description('write the pointers of an HA store that was lost anew, from the files in high-availability.storageDir')
    .option(
      '--from-storage',
      'the only place that it can be restored from; to be named, so that nobody does it by accident',
    )
    .option('--dry-run', 'only say which jobs would come back, and from which checkpoint')
    .option('--missing', 'the store knows some of the jobs: write the others, leave those as they are')
    .exitOverride()
    .action(async (flags: RestoreFlags) => {
      if (flags.fromStorage !== true) {
        throw new MillraceError(
          'BAD_OPTION',
          'millrace ha restore --from-storage writes pointers from the files in high-availability.storageDir; look at what it ' +
            'would write first: --from-storage --dry-run',
        );
      }
      await restore(flags, environment);
    });
};

const restore = async (flags: RestoreFlags, environment: HaCommandLine): Promise<void> => {
  const { terminal, exit } = environment;
  const isDryRun = flags.dryRun === true;
  const configuration = await startedConfiguration(environment.load(flags), environment);
  const { jobs, written, ended, broken } = await environment.restoreStore(configuration, {
    isDryRun,
    addsMissing: flags.missing === true,
  });
  const rows = jobs.map(({ jobId, jobName, checkpoint }) => [jobId, jobName, checkpoint ?? 'none: from its beginning']);
  for (const line of alignedLines([['job', 'name', 'checkpoint'], ...rows])) {
    await terminal.print(line);
  }
  for (const { path, message } of broken) {
    terminal.log(`WARN left out: ${path}: ${message}`);
  }
  await terminal.print(
    isDryRun
      ? `jobs that would come back: ${written}; jobs that have ended: ${ended}. Nothing was written.`
      : `jobs that are in the HA store again: ${written}; jobs that have ended: ${ended}. They go on when a JobManager leads.`,
  );
  if (broken.length > 0) {
    exit(1);
  }
};
