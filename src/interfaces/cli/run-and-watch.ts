import { codeOf, messageOf } from '../../foundation/common/errors.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { bundleJob } from './bundle/bundle-job.ts';
import type { JobBundle } from './bundle/bundle-job.ts';
import { BundleFailure } from './bundle/build-messages.ts';
import { watchFiles } from './bundle/watch-files.ts';
import { describeFailure } from './describe-failure.ts';
import { describeJobFile, EXIT_CODE_OF, followRun, reportOutcome, startRun } from './follow-run.ts';
import type { RunEnd } from './follow-run.ts';
import type { JobRun } from './job-run.ts';
import type { InterruptSignal, RunEnvironment, RunOptions } from './run-command.ts';
import { startTypeCheck } from './type-check.ts';

/** What tells that the state of the last run does not fit the changed job. */
const MISFIT = new Set(['CHECKPOINT_MISMATCH', 'CHECKPOINT_BROKEN', 'FILE_NOT_FOUND']);

/**
 * Runs the job and starts it again on each save: from the newest checkpoint where its state fits, else from the
 * beginning. A job that does not compile, or that ends, waits for the next save. Ends with Ctrl-C.
 */
export const runAndWatch = async (options: RunOptions, environment: RunEnvironment): Promise<number> => {
  const { terminal } = environment;
  const configuration = options.configuration.with({
    // The checkpoint that the next run starts from must outlive the cancelled one; then it goes.
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'execution.checkpointing.num-retained': 1,
  });
  let from: string | undefined;
  let inputs: readonly string[] = [options.file];
  for (let round = 1; ; round++) {
    // From before the job is read, so that no change is missed.
    const watch = new FileWatch(environment, inputs);
    const types = startTypeCheck(options, terminal);
    try {
      const started = await startRound({ ...options, configuration }, environment, from, round);
      inputs = started.inputs;
      watch.alsoWatch(inputs);
      if (started.run !== undefined) {
        const end = await followUntilChange(started.run, environment, watch);
        from = nextStart(end, from);
        const isReplaced = watch.happened === 'changed' && end.outcome.status === 'CANCELED';
        if (!isReplaced || end.interrupted !== undefined) {
          reportOutcome(started.run, end, describeJobFile(options), environment);
        }
        if (end.interrupted !== undefined) {
          return EXIT_CODE_OF[end.interrupted];
        }
      }
      if (watch.happened === undefined) {
        terminal.log(`waiting for a change of ${options.file} ...`);
      }
      const happened = await watch.next;
      if (happened !== 'changed') {
        return EXIT_CODE_OF[happened];
      }
    } finally {
      types.stop();
      watch.close();
    }
    terminal.log(`${options.file} changed, starting again${from === undefined ? '' : ` from ${from}`}`);
  }
};

interface Round {
  /** Not there when the job could not be started; why was said. */
  readonly run: JobRun | undefined;
  readonly inputs: readonly string[];
}

const startRound = async (
  options: RunOptions,
  environment: RunEnvironment,
  from: string | undefined,
  round: number,
): Promise<Round> => {
  let inputs: readonly string[] = [options.file];
  try {
    const bundle = await bundleJob(options.file, { external: options.external });
    inputs = bundle.inputs;
    const run = await startWhereStateFits(round === 1 ? options : withoutJobId(options), environment, bundle, from);
    return { run, inputs };
  } catch (thrown) {
    environment.terminal.log(describeFailure(thrown));
    return { run: undefined, inputs: thrown instanceof BundleFailure ? [...inputs, ...thrown.files] : inputs };
  }
};

/** A job id names one run; those after the first draw their own. */
const withoutJobId = ({ jobId: _jobId, ...options }: RunOptions): RunOptions => options;

const startWhereStateFits = async (
  options: RunOptions,
  environment: RunEnvironment,
  bundle: JobBundle,
  from: string | undefined,
): Promise<JobRun> => {
  if (from === undefined) {
    return startRun(options, environment, bundle);
  }
  try {
    return await startRun(options, environment, bundle, continuing(options.configuration, from));
  } catch (thrown) {
    if (!MISFIT.has(codeOf(thrown) ?? '')) {
      throw thrown;
    }
    environment.terminal.log(`${messageOf(thrown)}\nThe state of ${from} is left alone; starting without it`);
    return startRun(options, environment, bundle, withoutState(options.configuration));
  }
};

/** The snapshot is ours: it goes when the new run has its own. */
const continuing = (configuration: Configuration, from: string): Configuration =>
  configuration.with({ 'execution.state-recovery.path': from, 'execution.state-recovery.claim-mode': 'CLAIM' });

const withoutState = (configuration: Configuration): Configuration =>
  configuration.with({ 'execution.state-recovery.path': '' });

const followUntilChange = async (run: JobRun, environment: RunEnvironment, watch: FileWatch): Promise<RunEnd> => {
  const following = followRun(run, environment);
  void watch.next.then(() => run.cancel());
  return following;
};

/** Where the next run starts: the newest checkpoint that the last one left. */
const nextStart = ({ outcome }: RunEnd, before: string | undefined): string | undefined => {
  if (outcome.status === 'FINISHED') {
    return undefined;
  }
  return outcome.retainedCheckpoint ?? (isMisfit(outcome.error) ? undefined : before);
};

const isMisfit = (error: ErrorInfo | undefined): boolean =>
  error !== undefined && (MISFIT.has(error.code ?? '') || isMisfit(error.cause));

/** The first thing that ends a round: a change of a file, or an interrupt. */
class FileWatch {
  readonly next: Promise<'changed' | InterruptSignal>;
  readonly #clock: RunEnvironment['clock'];
  #happened: 'changed' | InterruptSignal | undefined;
  #undo: (() => void)[] = [];
  #resolve!: (happened: 'changed' | InterruptSignal) => void;

  constructor(environment: RunEnvironment, files: readonly string[]) {
    this.#clock = environment.clock;
    this.next = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#undo.push(environment.onInterrupt((signal) => this.#happens(signal)));
    this.alsoWatch(files);
  }

  get happened(): 'changed' | InterruptSignal | undefined {
    return this.#happened;
  }

  alsoWatch(files: readonly string[]): void {
    this.#undo.push(watchFiles(files, () => this.#happens('changed'), this.#clock));
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) {
      undo();
    }
  }

  #happens(what: 'changed' | InterruptSignal): void {
    this.#happened ??= what;
    this.#resolve(what);
  }
}
