import type { Configuration } from '../../foundation/config/configuration.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import { codeOf } from '../../foundation/common/errors.ts';
import { bundleJob } from './bundle/bundle-job.ts';
import { describeJobFile, followRun, reportOutcome, startRun } from './follow-run.ts';
import { EXIT_CODE_OF, Interrupts } from './interrupts.ts';
import type { StartRun } from './job-run.ts';
import { runAndWatch } from './run-and-watch.ts';
import type { Terminal } from './terminal.ts';
import { startTypeCheck } from './type-check.ts';

export interface RunOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly configuration: Configuration;
  readonly external: readonly string[];
  readonly check: boolean;
  readonly watch: boolean;
  readonly inspect: boolean;
  readonly verbose: boolean;
  /** Returns once the job is submitted. */
  readonly detached: boolean;
  readonly jobId?: string;
}

/** What asks a command to end: a signal, or `SIGPIPE` when nobody reads its output any more. */
export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGPIPE';

/** What a process ends itself with. */
export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGKILL';

export interface RunEnvironment {
  readonly start: StartRun;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Calls `interrupted` each time somebody asks the command to end; returns what undoes it. */
  readonly onInterrupt: (interrupted: (signal: InterruptSignal) => void) => () => void;
  /** Ends the process at once, as this signal would. */
  readonly exitNow: (signal: EndSignal) => void;
}

/** `millrace run job.ts`; resolves to the exit code. */
export const runCommand = async (options: RunOptions, environment: RunEnvironment): Promise<number> => {
  const interrupts = new Interrupts(environment);
  try {
    const heard = { ...environment, onInterrupt: interrupts.onInterrupt };
    return await (options.watch ? runAndWatch(options, heard) : runOnce(options, heard));
  } finally {
    interrupts.close();
  }
};

const runOnce = async (options: RunOptions, environment: RunEnvironment): Promise<number> => {
  const types = startTypeCheck(options, environment.terminal);
  let interrupted: InterruptSignal | undefined;
  environment.onInterrupt((signal) => {
    interrupted = signal;
    types.stop();
  });
  try {
    const bundle = await bundleJob(options.file, { external: options.external });
    if (interrupted !== undefined) {
      return EXIT_CODE_OF[interrupted];
    }
    const run = await startRun(options, environment, bundle).catch(async (thrown: unknown) => {
      // What the compiler says often explains why a job cannot be built.
      await (codeOf(thrown) === 'BAD_JOB' ? types.shown : undefined);
      throw thrown;
    });
    if (options.detached) {
      await types.shown;
      return 0;
    }
    const end = await followRun(run, environment);
    if (end === 'detached') {
      return EXIT_CODE_OF[interrupted ?? 'SIGINT'];
    }
    const code = reportOutcome(run, end, describeJobFile(options), environment);
    await types.shown;
    return code;
  } finally {
    types.stop();
  }
};
