import { Command, CommanderError, Option } from 'commander';
import type { Clock } from '../../foundation/common/clock.ts';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import { loadConfiguration } from '../../foundation/config/load-configuration.ts';
import type { LoadedConfiguration } from '../../foundation/config/load-configuration.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { recoveryOptions } from '../../foundation/config/options/recovery-options.ts';
import { configList } from '../../foundation/config/config-list.ts';
import { alignedLines } from './aligned-lines.ts';
import { addCertsCommand } from './certs-command.ts';
import { addControlCommands } from './control-commands.ts';
import { allStacks, describeFailure } from './describe-failure.ts';
import type { RunEnvironment } from './run-command.ts';
import type { JobControl } from './job-control.ts';
import type { StartRun } from './job-run.ts';
import { Terminal } from './terminal.ts';
import type { TerminalStreams } from './terminal.ts';

export interface CliEnvironment {
  readonly version: string;
  readonly start: StartRun;
  readonly streams: TerminalStreams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The jobs that run, for `list`, `cancel`, `stop`, `savepoint` and `checkpoint`. */
  readonly openControl: () => Promise<JobControl>;
  readonly onInterrupt: RunEnvironment['onInterrupt'];
  readonly exitNow: (code: number) => void;
  /** Opens the debugger's port and waits for a debugger. */
  readonly waitForDebugger: (hostAndPort: string | undefined) => Promise<void>;
}

interface CommonFlags {
  readonly D: readonly string[];
  readonly config?: string;
  readonly verbose?: boolean;
}

interface RunFlags extends CommonFlags {
  readonly parallelism?: string;
  readonly fromSavepoint?: string;
  readonly allowNonRestoredState?: boolean;
  readonly claimMode?: string;
  readonly detached?: boolean;
  readonly external: readonly string[];
  readonly env: readonly string[];
  readonly check: boolean;
  readonly watch?: boolean;
  readonly inspect?: boolean;
  readonly inspectPort?: string;
  readonly jobId?: string;
}

/** Runs one command line; resolves to the exit code. Every error is one message on stderr. */
export const runCli = async (argv: readonly string[], environment: CliEnvironment): Promise<number> => {
  const terminal = new Terminal(environment.streams);
  let code = 0;
  const program = makeProgram(environment, terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      return thrown.exitCode;
    }
    terminal.end();
    terminal.log(`millrace: ${describeFailure(thrown)}`);
    if (environment.env['MILLRACE_STACK_TRACES'] !== undefined) {
      terminal.log(allStacks(errorInfo(thrown)));
    }
    return 1;
  }
};

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

const common = (command: Command): Command =>
  command
    .addOption(new Option('-D <key=value>', 'set a configuration value').argParser(collect).default([], 'none'))
    .option('--config <dir>', 'folder (or file) of the configuration; else MILLRACE_CONF_DIR, FLINK_CONF_DIR, ./conf')
    .option('--verbose', 'show every log line');

const makeProgram = (environment: CliEnvironment, terminal: Terminal, exit: (code: number) => void): Command => {
  const program = new Command('millrace')
    .description('Highly available, stateful stream processing for TypeScript')
    .version(environment.version, '-v, --version')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(see millrace --help)')
    .configureOutput({
      writeOut: (text) => environment.streams.stdout.write(text),
      writeErr: (text) => environment.streams.stderr.write(text),
    });

  const run = common(program.command('run'))
    .description('run a job on an embedded cluster in this process; what follows the job file goes to its builder')
    .argument('<job file>', 'TypeScript or JavaScript module whose default export is job(name, builder)')
    .argument('[args...]', "arguments of the job's builder")
    .option('-p, --parallelism <n>', 'parallelism of operators that set none')
    .option(
      '-s, --fromSavepoint <path>',
      'continue from a savepoint or a retained checkpoint: its folder or its _metadata',
    )
    .option('-n, --allowNonRestoredState', 'allow that state of the savepoint has no operator in the job any more')
    .addOption(new Option('--claimMode <mode>', 'who owns the snapshot from now on').choices(['CLAIM', 'NO_CLAIM']))
    .option('-d, --detached', 'submit to a cluster and return')
    .option('--external <package>', 'do not bundle this package; import it at run time', collect, [])
    .option('--env <name>', 'hand this environment variable to the builder', collect, [])
    .option('--no-check', 'do not check types')
    .option('--watch', 'start again when a file of the job changes, from the newest checkpoint where its state fits')
    .option('--inspect', 'wait for a debugger; breakpoints in the job file stop')
    .option(
      '--inspect-port <port>',
      'where it waits: port or host:port; 127.0.0.1:9229 when missing (implies --inspect)',
    )
    .option('--jobId <id>', 'use this job id (32 hex digits)')
    .passThroughOptions()
    .exitOverride();
  run.action(async (file: string, args: readonly string[], flags: RunFlags) => {
    exit(await runJob(file, args, flags, environment, terminal));
  });

  const config = program.command('config').description('look at the configuration').exitOverride();
  common(config.command('list'))
    .description('list the options with their values')
    .option('--origin', 'show where each value comes from')
    .option('--changed', "show the defaults that differ from Flink's, and why")
    .exitOverride()
    .action(async (flags: CommonFlags & { readonly origin?: boolean; readonly changed?: boolean }) => {
      const { configuration } = load(flags, environment, terminal);
      const options = { origin: flags.origin === true, changed: flags.changed === true };
      const { header, rows } = configList(configuration, options);
      for (const line of alignedLines([header, ...rows])) {
        await terminal.print(line);
      }
    });
  addCertsCommand(program, { terminal, clock: environment.clock });
  addControlCommands(program, { terminal, exit, openControl: environment.openControl });
  return program;
};

const load = (flags: CommonFlags, environment: CliEnvironment, terminal: Terminal): LoadedConfiguration => {
  const loaded = loadConfiguration({ configDir: flags.config, args: flags.D, env: environment.env });
  for (const warning of loaded.warnings) {
    terminal.log(`WARN ${warning}`);
  }
  for (const hint of loaded.hints) {
    terminal.log(hint);
  }
  return loaded;
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
  environment: CliEnvironment,
  terminal: Terminal,
): Promise<number> => {
  if (flags.detached === true) {
    throw new MillraceError(
      'UNSUPPORTED',
      'run --detached needs a cluster, and this version has the embedded one only; leave it out to run the job in this process',
    );
  }
  if (flags.jobId !== undefined && !/^[0-9a-f]{32}$/.test(flags.jobId)) {
    throw new MillraceError('BAD_OPTION', `--jobId is '${flags.jobId}'; allowed: 32 hex digits`);
  }
  const { configuration } = load(flags, environment, terminal);
  const inspect = flags.inspect === true || flags.inspectPort !== undefined;
  if (inspect) {
    await environment.waitForDebugger(flags.inspectPort);
  }
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
      ...(flags.jobId === undefined ? {} : { jobId: flags.jobId }),
    },
    { ...environment, terminal },
  );
};
