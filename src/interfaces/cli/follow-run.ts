import type { Configuration } from '../../foundation/config/configuration.ts';
import type { JobBundle } from './bundle/bundle-job.ts';
import { describeFailure, withUserPlace } from './describe-failure.ts';
import { EXIT_CODE_OF } from './interrupts.ts';
import type { JobRun, RunEvents, RunOutcome } from './job-run.ts';
import { lateRecords, progressLine } from './progress.ts';
import type { JobProgress } from './progress.ts';
import type { InterruptSignal, RunEnvironment, RunOptions } from './run-command.ts';
import { shellWord } from './shell-word.ts';
import type { Terminal } from './terminal.ts';

const PROGRESS_INTERVAL_MS = 1_000;

const EXIT_CANCELED = EXIT_CODE_OF.SIGINT;

/** How a run ended. */
export interface RunEnd {
  readonly outcome: RunOutcome;
  /** Who asked this command to end it; not set for a job that was cancelled from elsewhere. */
  readonly interrupted: InterruptSignal | undefined;
}

export const exitCodeOf = ({ outcome, interrupted }: RunEnd): number => {
  switch (outcome.status) {
    case 'FINISHED':
      return 0;
    case 'CANCELED':
      return interrupted === undefined ? EXIT_CANCELED : EXIT_CODE_OF[interrupted];
    case 'FAILED':
      return 1;
  }
};

/** The job file and its arguments as one writes them on a command line. */
export const describeJobFile = ({ file, args }: Pick<RunOptions, 'file' | 'args'>): string =>
  [file, ...args].map(shellWord).join(' ');

/** Starts the job and says what there is to know at its start. */
export const startRun = async (
  options: RunOptions,
  { terminal, start, exitNow }: RunEnvironment,
  bundle: JobBundle,
  configuration: Configuration = options.configuration,
): Promise<JobRun> => {
  for (const warning of bundle.warnings) {
    terminal.log(`WARN ${warning}`);
  }
  const run = await start(
    {
      bundle,
      args: options.args,
      env: options.env,
      configuration,
      inline: options.inspect,
      isControllable: true,
      ...(options.jobId === undefined ? {} : { jobId: options.jobId }),
    },
    {
      ...eventsOf(terminal, options.verbose),
      stuck: (message) => {
        terminal.log(`ERROR ${message}; the process ends`);
        terminal.end();
        exitNow('SIGKILL');
      },
    },
  );
  const submitted = `Job has been submitted with JobID ${run.jobId}`;
  // Detached it is all that comes of the command: for scripts, as Flink's. Else stdout is the job's.
  void (options.detached ? terminal.print(submitted) : terminal.log(submitted));
  for (const note of run.notes) {
    terminal.log(note);
  }
  return run;
};

const eventsOf = (terminal: Terminal, verbose: boolean): RunEvents => ({
  printed: (line) => terminal.print(line),
  console: (level, source, text) => {
    let taken: void | Promise<void> = undefined;
    for (const line of text.split('\n')) {
      const shown = `[${source}] ${line}`;
      taken = level === 'warn' || level === 'error' ? terminal.log(shown) : terminal.print(shown);
    }
    return taken;
  },
  log: (level, message, error) => {
    if (verbose || level === 'warn' || level === 'error') {
      const text = error === undefined ? message : withUserPlace(message, error);
      terminal.log(level === 'info' ? text : `${level.toUpperCase()} ${text}`);
    }
  },
});

/**
 * Shows a line a second until the job ends. An interrupt cancels the job, or ends the following only where the job is a cluster's; who
 * reads no more gets no messages either.
 */
export const followRun = async (run: JobRun, environment: RunEnvironment): Promise<RunEnd | 'detached'> => {
  const { terminal, clock } = environment;
  let before: JobProgress | undefined;
  let lastMs = clock.monotonic();
  const show = (): void => {
    const now = run.progress();
    const nowMs = clock.monotonic();
    terminal.status(progressLine(now, before, nowMs - lastMs));
    before = now;
    lastMs = nowMs;
  };
  const everySecond = (): void => {
    show();
    timer = clock.after(PROGRESS_INTERVAL_MS, everySecond);
  };
  let timer = clock.after(PROGRESS_INTERVAL_MS, everySecond);
  let interrupted: InterruptSignal | undefined;
  let detach = (): void => {};
  const detached = new Promise<'detached'>((resolve) => {
    detach = () => resolve('detached');
  });
  const ignore = environment.onInterrupt((signal) => {
    interrupted = signal;
    if (run.detach !== undefined) {
      run.detach();
      detach();
      return;
    }
    if (signal !== 'SIGPIPE') {
      terminal.log(`${signal}: cancelling job ${run.jobName}; once more to end at once`);
    }
    run.cancel();
  });
  try {
    const ended = await Promise.race([run.outcome, detached]);
    if (ended === 'detached') {
      terminal.log(`Job ${run.jobName} goes on in the cluster; "millrace cancel ${run.jobId}" ends it`);
      return ended;
    }
    return { outcome: ended, interrupted };
  } finally {
    timer.cancel();
    ignore();
    if (before !== undefined && interrupted !== 'SIGPIPE') {
      show();
    }
    terminal.end();
  }
};

/** Says how the job ended and how it goes on; returns the exit code. `jobFile`: as `describeJobFile` has it. */
export const reportOutcome = (
  run: JobRun,
  end: RunEnd,
  jobFile: string,
  { terminal }: Pick<RunEnvironment, 'terminal'>,
): number => {
  const { outcome } = end;
  if (end.interrupted !== 'SIGPIPE' || outcome.status === 'FAILED') {
    terminal.log(endText(run, outcome, jobFile));
  }
  return exitCodeOf(end);
};

const endText = (run: JobRun, outcome: RunOutcome, jobFile: string): string => {
  const job = `Job ${run.jobName} (${run.jobId})`;
  const progress = run.progress();
  const late = progress.lateRecordsDropped > 0 ? ` (${lateRecords(progress)})` : '';
  const after = `after ${(outcome.durationMs / 1000).toFixed(1)} s${late}`;
  switch (outcome.status) {
    case 'FINISHED':
      return `${job} finished ${after}${continuation(outcome.savepoint, jobFile)}`;
    case 'CANCELED':
      return `${job} was cancelled ${after}${unfinished(run, outcome, jobFile)}`;
    case 'FAILED': {
      const reason = outcome.error === undefined ? 'unknown reason' : describeFailure(outcome.error);
      return `${job} failed ${after}: ${reason}${unfinished(run, outcome, jobFile)}`;
    }
  }
};

const continuation = (place: string | undefined, jobFile: string): string =>
  place === undefined ? '' : `\nContinue with: millrace run --fromSavepoint ${shellWord(place)} ${jobFile}`;

const unfinished = (
  run: JobRun,
  { savepoint, retainedCheckpoint, isRetentionUnknown }: RunOutcome,
  jobFile: string,
): string => {
  const place = savepoint ?? retainedCheckpoint;
  if (place !== undefined) {
    return continuation(place, jobFile);
  }
  return isRetentionUnknown === true || run.progress().checkpoint === undefined
    ? ''
    : '\nIts checkpoints were deleted; execution.checkpointing.externalized-checkpoint-retention: ' +
        'RETAIN_ON_CANCELLATION keeps them';
};
