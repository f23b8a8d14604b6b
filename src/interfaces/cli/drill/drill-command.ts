import { CommanderError, Option, type Command } from 'commander';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { Configuration } from '../../../foundation/config/configuration.ts';
import { secretsOf } from '../../../foundation/config/secrets-of.ts';
import type { PlanJob } from '../cluster/cluster-run.ts';
import type { ClusterCommandLine } from '../cluster-command-line.ts';
import { withTarget, type ClusterFlags } from '../control-commands.ts';
import { describeFailure } from '../describe-failure.ts';
import { EXIT_CODE_OF, Interrupts } from '../interrupts.ts';
import { dryRunLines } from './dry-run.ts';
import { planRounds, rolesOf, type PlannedRound } from './drill-plan.ts';
import { ACTIONS, drillRequest, VICTIMS, type DrillFlags, type DrillRequest } from './drill-request.ts';
import { findDrillTarget, type DrillTarget } from './drill-target.ts';
import { possibleRequest } from './possible-request.ts';
import type { DrillPrograms } from './probe.ts';
import { reportJson, reportLines } from './report.ts';
import type { Confirm } from '../terminal.ts';

/** Given by the process; without it there is no `drill`. */
export interface DrillCommands {
  readonly confirm?: Confirm | undefined;
  readonly drill?: {
    readonly programs: DrillPrograms;
    readonly drawSeed: () => number;
  };
}

export interface DrillCommandLine extends ClusterCommandLine, DrillCommands {
  readonly plan: PlanJob;
}

interface Flags extends DrillFlags, ClusterFlags {
  readonly runDir?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const EXIT_RED = 1;
/** Nothing was touched: what was asked for cannot be done. */
const EXIT_MISUSE = 2;

export const addDrillCommand = (program: Command, environment: DrillCommandLine): void => {
  const { drill, openLocalCluster: open } = environment;
  if (drill === undefined || open === undefined) {
    return;
  }
  withTarget(program.command('drill'))
    .description(
      'kill, pause or cut off processes of a cluster of this machine while a probe job counts, and say what that did',
    )
    .option('--run-dir <dir>', 'folder of the cluster; else MILLRACE_RUN_DIR, else ~/.millrace/cluster')
    .option('--kill <whom>', `whom a round hits: ${VICTIMS.join(', ')}`, 'random')
    .option('--action <what>', `what is done to it: ${ACTIONS.join(', ')}, random; cut needs root on Linux`, 'kill')
    .option('--rounds <n>', 'how many times', '5')
    .option('--every <duration>', 'from the beginning of a round to that of the next, at least', '5s')
    .option('--pause-for <duration>', 'with --action pause or cut: how long', '10s')
    .option('--seed <n>', 'draws the same rounds as the drill that named it')
    .option('--parallelism <n>', 'of the probe job; else what still finds slots without the largest TaskManager')
    .option('--checkpoint-interval <duration>', 'of the probe job', '1s')
    .option('--timeout <duration>', 'within which everything has to run again', '60s')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('-y, --yes', 'also where other jobs run')
    .addOption(new Option('--json', 'print the report as JSON'))
    .exitOverride((error) => {
      throw new CommanderError(error.exitCode === 0 ? 0 : EXIT_MISUSE, error.code, error.message);
    })
    .action(async (flags: Flags) => {
      environment.exit(await drillCommand(flags, environment, drill, open));
    });
};

type Drill = NonNullable<DrillCommands['drill']>;
type Open = NonNullable<DrillCommandLine['openLocalCluster']>;

/** What is about to be done, checked. */
interface Prepared {
  readonly request: DrillRequest;
  readonly target: DrillTarget;
  readonly planned: readonly PlannedRound[];
  readonly parallelism: number;
  readonly configuration: Configuration;
}

const drillCommand = async (flags: Flags, environment: DrillCommandLine, drill: Drill, open: Open): Promise<number> => {
  const { terminal } = environment;
  let prepared: Prepared;
  try {
    prepared = await prepare(flags, environment, drill, open);
    if (flags.dryRun === true) {
      for (const line of dryRunLines(prepared)) {
        await terminal.print(line);
      }
      return 0;
    }
    await agree(flags, prepared.target, environment);
  } catch (thrown) {
    terminal.log(`millrace: ${describeFailure(thrown)}`);
    return EXIT_MISUSE;
  }
  return carryOut(prepared, flags, environment, drill);
};

const prepare = async (flags: Flags, environment: DrillCommandLine, drill: Drill, open: Open): Promise<Prepared> => {
  const wanted = drillRequest(flags, drill.drawSeed);
  const configuration = environment.load(flags);
  const cluster = await open(flags.runDir);
  const request = await possibleRequest(wanted, cluster.cuts, (line) => environment.terminal.log(line));
  if (flags.dryRun !== true && (await cluster.cuts.end())) {
    environment.terminal.log('an earlier drill did not live to end a cut; it is ended now');
  }
  const target = await findDrillTarget(flags, configuration, cluster, environment);
  const roles = rolesOf(request, target.field);
  if (roles.length === 0) {
    throw new MillraceError(
      'BAD_OPTION',
      `--kill ${request.victim}: the cluster of ${target.cluster.folder} has none; its processes are ` +
        [...target.field.jobManagers, ...target.field.taskManagers].map(({ name }) => name).join(', '),
    );
  }
  const { 'slots-available': free, 'slots-available-after-largest-loss': afterLoss } = target.overview;
  const parallelism = request.parallelism ?? Math.max(1, afterLoss);
  if (parallelism > free) {
    throw new MillraceError(
      'BAD_OPTION',
      `the probe job needs ${parallelism} free slots, and the cluster has ${free} (millrace cluster status)` +
        (free > 0 ? `; --parallelism ${free} fits` : ''),
    );
  }
  return {
    request,
    target,
    planned: planRounds(request, roles, seededRandom(request.seed)),
    parallelism,
    configuration,
  };
};

/** A drill is felt by every job of the cluster. */
const agree = async (flags: Flags, { jobs }: DrillTarget, { confirm }: DrillCommands): Promise<void> => {
  if (jobs.length === 0 || flags.yes === true) {
    return;
  }
  const names = jobs.map(({ jobName, jobId }) => `${jobName} (${jobId})`).join(', ');
  if (confirm === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `the cluster runs ${names}, which a drill disturbs; --yes says that this is wanted, --dry-run shows what would be done`,
    );
  }
  if (!(await confirm(`The cluster runs ${names}, which the drill disturbs. Go on? [y/N] `))) {
    throw new MillraceError('BAD_OPTION', 'not confirmed; nothing was done');
  }
};

const carryOut = async (
  prepared: Prepared,
  flags: Flags,
  environment: DrillCommandLine,
  { programs }: Drill,
): Promise<number> => {
  const { terminal, clock, plan } = environment;
  const { request, configuration } = prepared;
  const interrupts = new Interrupts(environment);
  const interrupted = new AbortController();
  interrupts.onInterrupt(() => {
    terminal.log('the drill ends; what it stopped is started again');
    interrupted.abort();
  });
  try {
    // Only here: the bundler.
    const { runDrill } = await import('./run-drill.ts');
    const report = await runDrill({
      ...prepared,
      programs,
      plan,
      clock,
      secrets: secretsOf(configuration),
      // Victims are drawn apart from the rounds, so that who happens to lead changes nothing about these.
      random: seededRandom(request.seed + 1),
      interrupted: interrupted.signal,
      say: (line) => terminal.log(line),
    });
    if (report === undefined) {
      return EXIT_CODE_OF[interrupts.first ?? 'SIGINT'];
    }
    const lines = flags.json === true ? [JSON.stringify(reportJson(report), undefined, 2)] : reportLines(report);
    for (const line of lines) {
      await terminal.print(line);
    }
    return report.findings.length === 0 ? 0 : EXIT_RED;
  } finally {
    interrupts.close();
  }
};
