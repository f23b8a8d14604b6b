import type { Command } from 'commander';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { Configuration } from '../../../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../../../foundation/config/options/high-availability-options.ts';
import { startedConfiguration } from '../cluster/cluster-target.ts';
import { withConfiguration, type ClusterFlags } from '../control-commands.ts';
import type { HaCommandLine } from '../ha-command.ts';
import type { Confirm } from '../terminal.ts';

/** What a cluster that has ended for good leaves. */
export interface DeletedStore {
  /** Not ended; they are given up. */
  readonly jobs: readonly { readonly jobId: string; readonly jobName: string }[];
  /** Of the cluster, in `storageDir`. */
  readonly folder: string;
  /** Paths in it, which are deleted; the HA store itself aside. */
  readonly files: readonly string[];
  /** Checkpoints and savepoints, which are not. */
  readonly kept: readonly string[];
}

export interface HaDeleteCommands {
  readonly deleteStore: (
    configuration: Configuration,
    options: { readonly isDryRun: boolean; readonly givesJobsUp: boolean },
  ) => Promise<DeletedStore>;
  readonly confirm?: Confirm | undefined;
}

interface DeleteFlags extends ClusterFlags {
  readonly withJobs?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `millrace ha delete`. */
export const addHaDeleteCommand = (ha: Command, environment: HaCommandLine): void => {
  withConfiguration(ha.command('delete'))
    .description(
      'delete what a cluster that has ended for good leaves: its HA store, and its files in high-availability.storageDir',
    )
    .option('--with-jobs', 'although it has jobs that have not ended: they are given up, their checkpoints stay')
    .option('--dry-run', 'only say what would be deleted')
    .option('--yes', 'do not ask')
    .exitOverride()
    .action((flags: DeleteFlags) => deleteAll(flags, environment));
};

const deleteAll = async (flags: DeleteFlags, environment: HaCommandLine): Promise<void> => {
  const { terminal, confirm, deleteStore } = environment;
  const configuration = await startedConfiguration(environment.load(flags), environment);
  const clusterId = configuration.get(highAvailabilityOptions.clusterId);
  const givesJobsUp = flags.withJobs === true;
  const found = await deleteStore(configuration, { isDryRun: true, givesJobsUp });
  for (const { jobId, jobName } of found.jobs) {
    await terminal.print(`job that has not ended: ${jobName} (${jobId})`);
  }
  if (flags.dryRun === true) {
    await terminal.print(`would be deleted: the HA store of cluster ${clusterId}`);
    await printPaths(found, 'would be deleted', 'would stay', environment);
    return;
  }
  if (flags.yes !== true) {
    const question = `Delete the HA store of cluster ${clusterId} and ${found.files.length} files and folders in ${found.folder}?`;
    if (confirm === undefined) {
      throw new MillraceError('BAD_OPTION', `${question} --yes says so, --dry-run shows what would be deleted`);
    }
    if (!(await confirm(`${question} [y/N] `))) {
      throw new MillraceError('BAD_OPTION', 'not confirmed; nothing was deleted');
    }
  }
  const deleted = await deleteStore(configuration, { isDryRun: false, givesJobsUp });
  await terminal.print(`deleted: the HA store of cluster ${clusterId}`);
  await printPaths(deleted, 'deleted', 'stays', environment);
};

const printPaths = async (
  { files, kept }: DeletedStore,
  goes: string,
  stays: string,
  { terminal }: HaCommandLine,
): Promise<void> => {
  for (const path of files) {
    await terminal.print(`${goes}: ${path}`);
  }
  for (const path of kept) {
    await terminal.print(
      `${stays}: ${path} (checkpoints and savepoints are yours: delete it by hand when nobody needs them)`,
    );
  }
};
