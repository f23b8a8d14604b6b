import { Command, CommanderError } from 'commander';
import type { Clock } from '../../foundation/common/clock.ts';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import { loadConfiguration } from '../../foundation/config/load-configuration.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { addCertsCommand } from './certs-command.ts';
import { ClusterJobControl } from './cluster/cluster-job-control.ts';
import type { PlanJob } from './cluster/cluster-run.ts';
import { clusterOf, wantedTarget, type TargetEnvironment } from './cluster/cluster-target.ts';
import type { ClusterCommands } from './cluster-command-line.ts';
import { addClusterCommands } from './cluster-commands.ts';
import { addDrillCommand, type DrillCommands } from './drill/drill-command.ts';
import { addConfigCommand, type ConfigCommands } from './config-command.ts';
import { addControlCommands, type ClusterFlags, type ControlEnvironment } from './control-commands.ts';
import { allStacks, describeFailure } from './describe-failure.ts';
import type { RunEnvironment } from './run-command.ts';
import { addHaCommand, type HaCommands } from './ha-command.ts';
import { addHostsCommand, type HostsEnvironment } from './hosts-command.ts';
import type { JobControl } from './job-control.ts';
import { JoinedJobControl } from './joined-job-control.ts';
import type { StartRun } from './job-run.ts';
import { addRescaleCommand } from './rescale-command.ts';
import { addRunCommands } from './run-command-line.ts';
import { Terminal } from './terminal.ts';
import type { TerminalStreams } from './terminal.ts';

export interface CliEnvironment
  extends TargetEnvironment, HostsEnvironment, ClusterCommands, ConfigCommands, DrillCommands, HaCommands {
  readonly version: string;
  readonly start: StartRun;
  readonly streams: TerminalStreams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Runs a job's builder for a cluster. */
  readonly plan: PlanJob;
  /** The jobs that `millrace run` runs on this machine. */
  readonly openLocalControl: () => Promise<JobControl>;
  readonly onInterrupt: RunEnvironment['onInterrupt'];
  readonly exitNow: RunEnvironment['exitNow'];
  /** Opens the debugger's port and waits for a debugger. */
  readonly waitForDebugger: (hostAndPort: string | undefined) => Promise<void>;
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

  const load = (flags: ClusterFlags): Configuration => loadFor(flags, environment, terminal);
  addRunCommands(program, { ...environment, terminal, load, exit });
  addConfigCommand(program, { ...environment, terminal, load, exit });
  addCertsCommand(program, { terminal, clock: environment.clock });
  const control: ControlEnvironment = {
    terminal,
    exit,
    openControl: (flags) => openControl(flags, load(flags), environment, terminal),
  };
  addControlCommands(program, control);
  addRescaleCommand(program, control);
  addHostsCommand(program, { ...environment, terminal, load, exit });
  addClusterCommands(program, { ...environment, terminal, load, exit });
  addHaCommand(program, { ...environment, terminal, load, exit });
  addDrillCommand(program, { ...environment, terminal, load, exit });
  return program;
};

const loadFor = (flags: ClusterFlags, environment: CliEnvironment, terminal: Terminal): Configuration => {
  const loaded = loadConfiguration({ configDir: flags.config, args: flags.D, env: environment.env });
  for (const warning of loaded.warnings) {
    terminal.log(`WARN ${warning}`);
  }
  for (const hint of loaded.hints) {
    terminal.log(hint);
  }
  return loaded.configuration;
};

/** The jobs of the cluster that is named; without one, of this machine and of the cluster that was started on it. */
const openControl = async (
  flags: ClusterFlags,
  configuration: Configuration,
  environment: CliEnvironment,
  terminal: Terminal,
): Promise<JobControl> => {
  const wanted = wantedTarget(flags, configuration);
  const cluster = wanted === 'local' ? undefined : await clusterOf(flags, configuration, environment);
  if (cluster === undefined) {
    if (wanted === 'cluster') {
      throw new MillraceError(
        'BAD_OPTION',
        'no cluster is started on this machine (millrace cluster start), and none is named (--jobmanager host:port, or ' +
          'high-availability.* in the configuration)',
      );
    }
    return environment.openLocalControl();
  }
  const inCluster = new ClusterJobControl(cluster.client, (line) => terminal.log(line));
  return wanted === 'cluster'
    ? inCluster
    : new JoinedJobControl([
        { name: 'this machine', control: await environment.openLocalControl() },
        { name: cluster.client.where, control: inCluster },
      ]);
};
