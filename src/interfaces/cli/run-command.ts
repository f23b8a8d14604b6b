import type { Clock } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { bundleJob } from './bundle/bundle-job.ts';
import type { JobBundle } from './bundle/bundle-job.ts';
import { checkTypes } from './bundle/check-types.ts';
import { watchFiles } from './bundle/watch-files.ts';
import { describeFailure } from './describe-failure.ts';
import type { JobRun, RunEvents, RunOutcome, StartRun } from './job-run.ts';
import { progressLine } from './progress.ts';
import type { JobProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

export interface RunOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly configuration: Configuration;
  readonly external: readonly string[];
  readonly check: boolean;
  readonly watch: boolean;
  readonly inspect: boolean;
  readonly verbose: boolean;
  readonly jobId?: string;
}

export interface RunEnvironment {
  readonly start: StartRun;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Calls `interrupted` at each Ctrl-C or SIGTERM; returns what undoes it. */
  readonly onInterrupt: (interrupted: (signal: string) => void) => () => void;
  /** Ends the process at once. */
  readonly exitNow: (code: number) => void;
}

const PROGRESS_INTERVAL_MS = 1_000;
/** What shells report for a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** `millrace run job.ts`; resolves to the exit code. */
export const runCommand = async (options: RunOptions, environment: RunEnvironment): Promise<number> =>
  options.watch ? runAndWatch(options, environment) : runOnce(options, environment);

const runOnce = async (options: RunOptions, environment: RunEnvironment): Promise<number> => {
  const types = startTypeCheck(options, environment);
  const bundle = await bundleJob(options.file, { external: options.external });
  const run = await start(options, environment, bundle);
  const outcome = await follow(run, environment);
  await types;
  return report(run, outcome, environment);
};

/** Starts again on each save, from the newest checkpoint where the state fits, else from the beginning. */
const runAndWatch = async (options: RunOptions, environment: RunEnvironment): Promise<number> => {
  const { terminal } = environment;
  const configuration = options.configuration.with({
    // The checkpoint that the next run starts from must outlive the cancelled one.
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  });
  let restore: string | undefined;
  for (;;) {
    const types = startTypeCheck(options, environment);
    let bundle: JobBundle | undefined;
    let run: JobRun | undefined;
    let code = 1;
    try {
      bundle = await bundleJob(options.file, { external: options.external });
      run = await startWhereStateFits(options, environment, bundle, configuration, restore);
    } catch (thrown) {
      terminal.log(describeFailure(thrown));
    }
    const changed = waitForChange(bundle?.inputs ?? [options.file], environment);
    if (run !== undefined) {
      const following = follow(run, environment);
      const first = await Promise.race([following, changed.promise.then(() => 'changed' as const)]);
      if (first === 'changed') {
        run.cancel();
      }
      const outcome = await following;
      restore = outcome.retainedCheckpoint ?? restore;
      await types;
      if (first !== 'changed') {
        code = report(run, outcome, environment);
        if (code === EXIT_INTERRUPTED) {
          changed.stop();
          return code;
        }
        terminal.log(`waiting for a change of ${options.file} ...`);
      }
    }
    if ((await changed.promise) === 'interrupted') {
      return EXIT_INTERRUPTED;
    }
    terminal.log(`${options.file} changed, starting again${restore === undefined ? '' : ` from ${restore}`}`);
  }
};

const startWhereStateFits = async (
  options: RunOptions,
  environment: RunEnvironment,
  bundle: JobBundle,
  configuration: Configuration,
  restore: string | undefined,
): Promise<JobRun> => {
  if (restore === undefined) {
    return start({ ...options, configuration }, environment, bundle);
  }
  const from = configuration.with({ 'execution.state-recovery.path': restore });
  try {
    return await start({ ...options, configuration: from }, environment, bundle);
  } catch (thrown) {
    environment.terminal.log(
      `the state of ${restore} does not fit any more (${messageOf(thrown)}); starting without it`,
    );
    return start({ ...options, configuration }, environment, bundle);
  }
};

const waitForChange = (
  files: readonly string[],
  { clock, onInterrupt }: RunEnvironment,
): { readonly promise: Promise<'changed' | 'interrupted'>; stop(): void } => {
  let stop = (): void => {};
  const promise = new Promise<'changed' | 'interrupted'>((resolve) => {
    const unwatch = watchFiles(files, () => resolve('changed'), clock);
    const ignore = onInterrupt(() => resolve('interrupted'));
    stop = () => {
      unwatch();
      ignore();
    };
  });
  return { promise: promise.finally(() => stop()), stop: () => stop() };
};

const startTypeCheck = async (options: RunOptions, { terminal }: RunEnvironment): Promise<void> => {
  if (!options.check) {
    return;
  }
  const result = await checkTypes(options.file);
  for (const line of result.lines) {
    terminal.log(line);
  }
};

const start = async (options: RunOptions, environment: RunEnvironment, bundle: JobBundle): Promise<JobRun> => {
  const { terminal } = environment;
  const events: RunEvents = {
    printed: (line) => terminal.print(line),
    console: (_level, source, text) => terminal.print(`[${source}] ${text}`),
    log: (level, message) => {
      if (options.verbose || level === 'warn' || level === 'error') {
        terminal.log(level === 'info' ? message : `${level.toUpperCase()} ${message}`);
      }
    },
  };
  const run = await environment.start(
    {
      bundle,
      args: options.args,
      configuration: options.configuration,
      inline: options.inspect,
      ...(options.jobId === undefined ? {} : { jobId: options.jobId }),
    },
    events,
  );
  terminal.log(`Job has been submitted with JobID ${run.jobId}`);
  for (const note of run.notes) {
    terminal.log(note);
  }
  return run;
};

/** Shows a line a second until the job ends; the first Ctrl-C cancels the job, the second ends the process. */
const follow = async (run: JobRun, environment: RunEnvironment): Promise<RunOutcome> => {
  const { terminal, clock } = environment;
  let before: JobProgress | undefined;
  let lastMs = clock.monotonic();
  const show = (): void => {
    const now = run.progress();
    const nowMs = clock.monotonic();
    terminal.status(progressLine(now, before, nowMs - lastMs));
    before = now;
    lastMs = nowMs;
    timer = clock.after(PROGRESS_INTERVAL_MS, show);
  };
  let timer = clock.after(PROGRESS_INTERVAL_MS, show);
  let interrupts = 0;
  const ignore = environment.onInterrupt((signal) => {
    interrupts++;
    if (interrupts === 1) {
      terminal.log(`${signal}: cancelling job ${run.jobName}; once more to end at once`);
      run.cancel();
    } else {
      terminal.end();
      environment.exitNow(EXIT_INTERRUPTED);
    }
  });
  try {
    return await run.outcome;
  } finally {
    timer.cancel();
    ignore();
    const now = run.progress();
    if (before !== undefined) {
      terminal.status(progressLine(now, before, clock.monotonic() - lastMs));
    }
    terminal.end();
  }
};

const report = (run: JobRun, outcome: RunOutcome, { terminal }: RunEnvironment): number => {
  const seconds = (outcome.durationMs / 1000).toFixed(1);
  const resume = outcome.savepoint ?? outcome.retainedCheckpoint;
  const next = resume === undefined ? '' : `\nContinue with: millrace run --fromSavepoint ${resume} <job file>`;
  switch (outcome.status) {
    case 'FINISHED':
      terminal.log(
        `Job ${run.jobName} (${run.jobId}) finished after ${seconds} s${outcome.savepoint === undefined ? '' : next}`,
      );
      return 0;
    case 'CANCELED':
      terminal.log(`Job ${run.jobName} (${run.jobId}) was cancelled after ${seconds} s${next}`);
      return EXIT_INTERRUPTED;
    case 'FAILED':
      terminal.log(`Job ${run.jobName} (${run.jobId}) failed after ${seconds} s: ${failureText(outcome.error)}${next}`);
      return 1;
  }
};

const failureText = (error: ErrorInfo | undefined): string =>
  error === undefined ? 'unknown reason' : describeFailure(error);
