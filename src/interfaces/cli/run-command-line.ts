import { Option, type Command } from 'commander';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { recoveryOptions } from '../../foundation/config/options/recovery-options.ts';
import type { CliEnvironment } from './cli.ts';
import { clusterOf, wantedTarget } from './cluster/cluster-target.ts';
import { withTarget, type ClusterFlags } from './control-commands.ts';
import type { StartRun } from './job-run.ts';
import type { Terminal } from './terminal.ts';

interface RunFlags extends ClusterFlags {
  readonly verbose?: boolean;
  readonly parallelism?: string;
  readonly fromSavepoint?: string;
  readonly allowNonRestoredState?: boolean;
  readonly claimMode?: string;
  readonly detached?: boolean;
  readonly shutdownOnAttachedExit?: boolean;
  readonly external: readonly string[];
  readonly env: readonly string[];
  readonly check: boolean;
  readonly watch?: boolean;
  readonly inspect?: boolean;
  readonly inspectPort?: string;
  readonly jobId?: string;
}

export interface RunCommandLine extends CliEnvironment {
  readonly terminal: Terminal;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

const withJob = (command: Command): Command =>
  withTarget(command)
    .argument('<job file>', 'TypeScript or JavaScript module whose default export is job(name, builder)')
    .argument('[args...]', "arguments of the job's builder")
    .option('-p, --parallelism <n>', 'parallelism of operators that set none')
    .option('--external <package>', 'do not bundle this package; import it at run time', collect, [])
    .option('--env <name>', 'hand this environment variable to the builder', collect, []);

/** `run` and `info`. */
export const addRunCommands = (program: Command, environment: RunCommandLine): void => {
  withJob(program.command('run'))
    .description('run a job, in a cluster or inside this process; what follows the job file goes to its builder')
    .option('--verbose', 'show every log line')
    .option(
      '-s, --fromSavepoint <path>',
      'continue from a savepoint or a retained checkpoint: its folder or its _metadata',
    )
    .option('-n, --allowNonRestoredState', 'allow that state of the savepoint has no operator in the job any more')
    .addOption(new Option('--claimMode <mode>', 'who owns the snapshot from now on').choices(['CLAIM', 'NO_CLAIM']))
    .option('-d, --detached', 'submit to a cluster and return')
    .option('--shutdownOnAttachedExit', 'cancel the job when this command is interrupted while it waits for it')
    .option('--no-check', 'do not check types')
    .option('--watch', 'start again when a file of the job changes, from the newest checkpoint where its state fits')
    .option('--inspect', 'wait for a debugger; breakpoints in the job file stop')
    .option(
      '--inspect-port <port>',
      'where it waits: port or host:port; 127.0.0.1:9229 when missing (implies --inspect)',
    )
    .option('--jobId <id>', 'use this job id (32 hex digits)')
    .passThroughOptions()
    .exitOverride()
    .action(async (file: string, args: readonly string[], flags: RunFlags) => {
      environment.exit(await runJob(file, args, flags, environment));
    });

  withJob(program.command('info'))
    .description('show the plan of a job as JSON, without running it')
    .passThroughOptions()
    .exitOverride()
    .action(async (file: string, args: readonly string[], flags: RunFlags) => {
      const { showPlan } = await import('./show-plan.ts');
      await showPlan(
        {
          file,
          args,
          env: namedValues(flags.env, environment.env),
          external: flags.external,
          configuration: environment.load(flags).with({ 'parallelism.default': flags.parallelism }, 'command line'),
        },
        environment,
      );
    });
};

/** The values of `--env NAME`. */
const namedValues = (names: readonly string[], env: CliEnvironment['env']): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.map((name) => {
      const value = env[name];
      if (value === undefined) {
        throw new MillraceError(
          'BAD_OPTION',
          /^\w+$/.test(name)
            ? `--env ${name}: this variable is not set; set it, as in ${name}=value millrace run ..., or leave the option out`
            : `--env ${name}: expected the name of a variable, such as --env TOPIC`,
        );
      }
      return [name, value];
    }),
  );

/** A shell variable that is not set must not start the job from nothing. */
const requirePlace = (configuration: Configuration): void => {
  if (configuration.get(recoveryOptions.path) === '') {
    throw new MillraceError(
      'BAD_OPTION',
      `${recoveryOptions.path.key} is empty (${configuration.origin(recoveryOptions.path)}); allowed: the folder of a ` +
        'checkpoint or savepoint, or its _metadata; leave it out to start from nothing',
    );
  }
};

const runJob = async (
  file: string,
  args: readonly string[],
  flags: RunFlags,
  environment: RunCommandLine,
): Promise<number> => {
  if (flags.jobId !== undefined && !/^[0-9a-f]{32}$/.test(flags.jobId)) {
    throw new MillraceError('BAD_OPTION', `--jobId is '${flags.jobId}'; allowed: 32 hex digits`);
  }
  const configuration = environment.load(flags);
  const given = configuration.with(
    {
      'parallelism.default': flags.parallelism,
      'execution.state-recovery.path': flags.fromSavepoint,
      'execution.state-recovery.claim-mode': flags.claimMode,
      'execution.state-recovery.ignore-unclaimed-state': flags.allowNonRestoredState,
    },
    'command line',
  );
  requirePlace(given);
  const inspect = flags.inspect === true || flags.inspectPort !== undefined;
  const onCluster = await startInCluster(flags, configuration, environment, inspect);
  if (inspect) {
    await environment.waitForDebugger(flags.inspectPort);
  }
  // Only here: other commands need neither bundler nor engine.
  const { runCommand } = await import('./run-command.ts');
  return runCommand(
    {
      file,
      args,
      env: namedValues(flags.env, environment.env),
      configuration: given,
      external: flags.external,
      check: flags.check,
      watch: flags.watch === true,
      inspect,
      verbose: flags.verbose === true,
      detached: flags.detached === true,
      ...(flags.jobId === undefined ? {} : { jobId: flags.jobId }),
    },
    { ...environment, start: onCluster ?? environment.start },
  );
};

/** `undefined`: the job runs in this process. */
const startInCluster = async (
  flags: RunFlags,
  configuration: Configuration,
  environment: RunCommandLine,
  inspect: boolean,
): Promise<StartRun | undefined> => {
  const wanted = wantedTarget(flags, configuration);
  if (wanted === 'local' || (wanted === 'either' && flags.detached !== true)) {
    if (flags.detached === true) {
      throw new MillraceError(
        'BAD_OPTION',
        'run --detached needs a cluster, and the target is local; leave one of them out',
      );
    }
    return undefined;
  }
  if (flags.watch === true || inspect) {
    throw new MillraceError(
      'BAD_OPTION',
      `${inspect ? '--inspect' : '--watch'} is for jobs inside this process, not for a cluster; add --target local`,
    );
  }
  const cluster = await clusterOf(flags, configuration, environment);
  if (cluster === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      'there is no cluster to run the job in: none is started on this machine (millrace cluster start), and none is named ' +
        '(--jobmanager host:port, or high-availability.* in the configuration)' +
        (flags.detached === true ? '; leave --detached out to run the job in this process' : ''),
    );
  }
  const { startOnCluster } = await import('./cluster/cluster-run.ts');
  return startOnCluster({
    client: cluster.client,
    plan: environment.plan,
    clock: environment.clock,
    cancelsOnInterrupt: flags.shutdownOnAttachedExit === true,
  });
};
