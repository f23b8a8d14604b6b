import { codeOf, messageOf } from '../../foundation/common/errors.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import { bundleJob } from './bundle/bundle-job.ts';
import type { JobBundle } from './bundle/bundle-job.ts';
import { BundleFailure } from './bundle/build-messages.ts';
import { watchFiles } from './bundle/watch-files.ts';
import { describeFailure } from './describe-failure.ts';
import { describeJobFile, followRun, reportOutcome, startRun } from './follow-run.ts';
import type { RunEnd } from './follow-run.ts';
import { EXIT_CODE_OF } from './interrupts.ts';
import type { JobRun } from './job-run.ts';
import type { InterruptSignal, RunEnvironment, RunOptions } from './run-command.ts';
import { startTypeCheck } from './type-check.ts';

/** What tells that the state of the last run does not fit the changed job. */
const MISFIT: ReadonlySet<string> = new Set(['CHECKPOINT_MISMATCH', 'CHECKPOINT_BROKEN', 'FILE_NOT_FOUND']);

/**
 * Runs the job and starts it again on each save: from the newest checkpoint where its state fits, else from the
 * beginning. A job that does not compile, or that ends, waits for the next save. Ends with Ctrl-C.
 */
export const runAndWatch = async (options: RunOptions, environment: RunEnvironment): Promise<number> => {
  const watched = new WatchedJob(options, environment);
  for (;;) {
    const interrupted = await watched.round();
    if (interrupted !== undefined) {
      return EXIT_CODE_OF[interrupted];
    }
  }
};

class WatchedJob {
  readonly #environment: RunEnvironment;
  #options: RunOptions;
  /** The checkpoint that the last run left. */
  #from: string | undefined;
  #inputs: readonly string[];
  #isFirst = true;

  constructor(options: RunOptions, environment: RunEnvironment) {
    this.#environment = environment;
    this.#options = {
      ...options,
      configuration: options.configuration.with({
        // What the next run starts from must outlive the cancelled one; then it goes.
        'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
        'execution.checkpointing.num-retained': 1,
      }),
    };
    this.#inputs = [options.file];
  }

  /** From one start to the next; resolves to what ended the watching. */
  async round(): Promise<InterruptSignal | undefined> {
    const { terminal } = this.#environment;
    const { file } = this.#options;
    // From before the job is read, so that no change is missed.
    const watch = new FileWatch(this.#environment, this.#inputs);
    const types = startTypeCheck({ ...this.#options, hints: this.#isFirst }, terminal);
    try {
      const run = await this.#start();
      watch.alsoWatch(this.#inputs);
      const next = run === undefined ? 'wait' : await this.#follow(run, watch);
      if (next === 'again') {
        return undefined;
      }
      if (watch.happened === undefined) {
        terminal.log(`waiting for a change of ${file} ...`);
      }
      const happened = await watch.next;
      if (happened !== 'changed') {
        return happened;
      }
    } finally {
      types.stop();
      watch.close();
    }
    terminal.log(`${file} changed, starting again${this.#from === undefined ? '' : ` from ${this.#from}`}`);
    return undefined;
  }

  /** `undefined` when the job cannot be started; why was said. */
  async #start(): Promise<JobRun | undefined> {
    try {
      const bundle = await bundleJob(this.#options.file, { external: this.#options.external });
      this.#inputs = bundle.inputs;
      return await this.#startWhereStateFits(bundle);
    } catch (thrown) {
      this.#environment.terminal.log(describeFailure(thrown));
      const named = thrown instanceof BundleFailure ? thrown.files : [];
      this.#inputs = [...new Set([...this.#inputs, ...named])];
      return undefined;
    } finally {
      this.#isFirst = false;
      // A job id names one run; those after the first draw their own.
      const { jobId: _jobId, ...options } = this.#options;
      this.#options = options;
    }
  }

  async #startWhereStateFits(bundle: JobBundle): Promise<JobRun> {
    const { configuration } = this.#options;
    if (this.#from === undefined) {
      return startRun(this.#options, this.#environment, bundle);
    }
    const continuing = configuration.with({
      'execution.state-recovery.path': this.#from,
      // The snapshot is ours: it goes when the new run has its own.
      'execution.state-recovery.claim-mode': 'CLAIM',
    });
    try {
      return await startRun(this.#options, this.#environment, bundle, continuing);
    } catch (thrown) {
      if (!MISFIT.has(codeOf(thrown) ?? '')) {
        throw thrown;
      }
      this.#forgetState(messageOf(thrown));
      return startRun(this.#options, this.#environment, bundle);
    }
  }

  /** `again`: at once, the run only found out that its state does not fit. */
  async #follow(run: JobRun, watch: FileWatch): Promise<'again' | 'wait'> {
    void watch.next.then(() => run.cancel());
    const end = await followRun(run, this.#environment);
    if (end === 'detached') {
      return 'wait';
    }
    const { outcome } = end;
    if (this.#from !== undefined && outcome.status === 'FAILED' && isMisfit(outcome.error)) {
      this.#forgetState(outcome.error === undefined ? 'unknown reason' : describeFailure(outcome.error));
      return 'again';
    }
    // A run that has no checkpoint of its own yet tells where it had started.
    this.#from = outcome.status === 'FINISHED' ? undefined : (outcome.retainedCheckpoint ?? this.#from);
    if (!isReplaced(end, watch)) {
      reportOutcome(run, end, describeJobFile(this.#options), this.#environment);
    }
    return 'wait';
  }

  #forgetState(reason: string): void {
    this.#environment.terminal.log(`${reason}\nStarting without the state of ${this.#from}, which is left alone`);
    this.#from = undefined;
    const { configuration } = this.#options;
    this.#options = { ...this.#options, configuration: configuration.with({ 'execution.state-recovery.path': '' }) };
  }
}

/** It was cancelled for the next one, which says where it goes on. */
const isReplaced = ({ outcome, interrupted }: RunEnd, watch: FileWatch): boolean =>
  interrupted === undefined && watch.happened === 'changed' && outcome.status === 'CANCELED';

const isMisfit = (error: ErrorInfo | undefined): boolean =>
  error !== undefined && (error.code === 'CHECKPOINT_MISMATCH' || isMisfit(error.cause));

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
