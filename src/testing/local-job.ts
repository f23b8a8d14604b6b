import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { present } from '../foundation/common/assert.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { bundleJob } from '../interfaces/cli/bundle/bundle-job.ts';
import type { JobRun, RunEvents, RunOutcome } from '../interfaces/cli/job-run.ts';
import type { JobProgress } from '../interfaces/cli/progress.ts';
import { CollectedRows, type CollectedTransaction } from '../pipeline/connectors/built-in-sinks.ts';
import type { LocalJobRun } from '../process/local-job-run.ts';
import { startLocalRun } from '../process/local-run.ts';

export interface StartJobOptions {
  /** What would follow the job file on the command line. */
  readonly args?: readonly string[];
  /** What `--env NAME` would hand to the builder. */
  readonly env?: Readonly<Record<string, string>>;
  /** By configuration key, as `-D key=value` on the command line, such as `{ 'parallelism.default': 2 }`. */
  readonly configuration?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** A savepoint or checkpoint: its folder, its `_metadata`, or the checkpoint folder of a job (its newest). */
  readonly fromSavepoint?: string;
  /**
   * The run that this one goes on from: rows that it collected are not collected again, although a restore may hand out
   * the last of them once more.
   */
  readonly continues?: LocalJob;
  /** State of the snapshot that no operator of the job has is left out; otherwise it is an error. */
  readonly allowNonRestoredState?: boolean;
  /** Runs everything in the calling thread; for debuggers and benchmarks. */
  readonly inline?: boolean;
  /** 32 hex digits; drawn when missing. */
  readonly jobId?: string;
  /** Lines of `print()` sinks. */
  readonly onPrint?: (line: string) => void;
  /** What `console.log` and the like wrote; `source` is job, operator and subtask. */
  readonly onConsole?: (source: string, text: string) => void;
  readonly onLog?: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  readonly onCheckpoint?: (metadataPath: string) => void;
}

/** How long `until` waits when nobody says. */
const DEFAULT_DEADLINE_MS = 30_000;
/** Conditions are looked at when something arrives; this often for those that depend on something else. */
const POLL_MS = 10;

interface Waiter {
  readonly condition: () => unknown;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A job that runs in the calling process, as a test sees it; made by `startJob`. */
export class LocalJob implements JobRun {
  readonly #run: LocalJobRun;
  readonly #inbox: Inbox;
  readonly #waiters = new Set<Waiter>();
  readonly #poll: NodeJS.Timeout;
  #outcome: RunOutcome | undefined;
  readonly outcome: Promise<RunOutcome>;

  constructor(run: LocalJobRun, inbox: Inbox, cleanUp: () => Promise<void>) {
    this.#run = run;
    this.#inbox = inbox;
    inbox.onArrival = () => this.#look();
    this.#poll = setInterval(() => this.#look(), POLL_MS);
    this.outcome = run.outcome.then(async (outcome) => {
      await cleanUp();
      clearInterval(this.#poll);
      this.#outcome = outcome;
      this.#look();
      return outcome;
    });
  }

  get jobId(): string {
    return this.#run.jobId;
  }

  get jobName(): string {
    return this.#run.jobName;
  }

  get notes(): readonly string[] {
    return this.#run.notes;
  }

  /** Lines of `print()` sinks so far. */
  get lines(): readonly string[] {
    return this.#inbox.lines;
  }

  /** What user code wrote to the console so far, each with job, operator and subtask in front. */
  get console(): readonly string[] {
    return this.#inbox.console;
  }

  /** Log lines of the cluster so far, each with its level in front. */
  get log(): readonly string[] {
    return this.#inbox.log;
  }

  /** The `_metadata` files of the checkpoints that this run completed, in order. */
  get completedCheckpoints(): readonly string[] {
    return this.#inbox.checkpoints;
  }

  /** What a `collect(name)` sink has handed out so far: each record once, those of a checkpoint when it is complete. */
  collected(name: string): readonly unknown[] {
    return this.#inbox.collected.get(name)?.rows ?? [];
  }

  /** All that was collected, with what tells rows that are handed out again. */
  get allCollected(): ReadonlyMap<string, CollectedRows<unknown>> {
    return this.#inbox.collected;
  }

  progress(): JobProgress {
    return this.#run.progress();
  }

  /** Waits for the end; throws what the job failed with. */
  async finished(): Promise<RunOutcome> {
    const outcome = await this.outcome;
    if (outcome.status !== 'FINISHED') {
      throw endedOtherwise(this.jobName, outcome, 'was to finish');
    }
    return outcome;
  }

  /** Waits until the condition is true. Throws when the job ends before that, or after `deadlineMs` (30 s). */
  until(condition: () => unknown, deadlineMs: number = DEFAULT_DEADLINE_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        settled();
      };
      const timer = setTimeout(() => {
        const error = new MillraceError(
          'TIMEOUT',
          `job ${this.jobName}: ${String(condition)} is not true after ${deadlineMs} ms`,
        );
        settle(() => reject(error));
      }, deadlineMs);
      const waiter: Waiter = {
        condition,
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      this.#waiters.add(waiter);
      this.#look();
    });
  }

  cancel(): void {
    this.#run.cancel();
  }

  savepoint(folder?: string): Promise<string> {
    return this.#run.savepoint(folder);
  }

  stop(options: { readonly folder?: string; readonly drain: boolean }): Promise<string> {
    return this.#run.stop(options);
  }

  checkpoint(): Promise<string> {
    return this.#run.checkpoint();
  }

  /** Ends a task thread as a crash would. */
  killThread(index: number): Promise<void> {
    return this.#run.killThread(index);
  }

  #look(): void {
    for (const waiter of this.#waiters) {
      this.#lookFor(waiter);
    }
  }

  #lookFor(waiter: Waiter): void {
    try {
      if (waiter.condition()) {
        waiter.resolve();
      } else if (this.#outcome !== undefined) {
        waiter.reject(endedOtherwise(this.jobName, this.#outcome, `was to reach ${String(waiter.condition)}`));
      }
    } catch (thrown) {
      waiter.reject(thrown);
    }
  }
}

/**
 * Starts a job's file on a cluster of its own in the calling process, with worker threads, checkpoints and restarts as
 * `millrace run` has them. Unless `execution.checkpointing.dir` is configured, checkpoints and savepoints go to a
 * temporary folder that is deleted when the job ends.
 *
 * Errors: what the command line would say; see `bundleJob` and the job's own errors.
 *
 * ```ts
 * import { startJob } from 'millrace/testing';
 *
 * const run = await startJob(new URL('job.ts', import.meta.url), {
 *   args: ['--topic', 'x'],
 *   configuration: { 'execution.checkpointing.interval': '50ms', 'execution.checkpointing.dir': '/tmp/checkpoints' },
 * });
 * await run.until(() => run.collected('totals').length >= 10);
 * const savepoint = await run.stop({ folder: '/tmp/savepoints', drain: false });
 *
 * const again = await startJob(new URL('job.ts', import.meta.url), { fromSavepoint: savepoint, continues: run });
 * await again.finished();
 * console.log([...run.collected('totals'), ...again.collected('totals')]);
 * ```
 */
export const startJob = async (jobFile: string | URL, options: StartJobOptions = {}): Promise<LocalJob> => {
  const file = jobFile instanceof URL || jobFile.startsWith('file:') ? fileURLToPath(jobFile) : jobFile;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const cleanUp = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const inbox = new Inbox(options);
    const run = await startLocalRun(
      {
        bundle: await bundleJob(file),
        args: options.args ?? [],
        configuration: configurationOf(options, folder),
        env: options.env ?? {},
        inline: options.inline ?? false,
        ...(options.jobId === undefined ? {} : { jobId: options.jobId }),
      },
      inbox.events,
    );
    return new LocalJob(run, inbox, cleanUp);
  } catch (thrown) {
    await cleanUp();
    throw thrown;
  }
};

const configurationOf = (options: StartJobOptions, folder: string): Configuration =>
  Configuration.of({
    [checkpointingOptions.directory.key]: join(folder, 'checkpoints'),
    [checkpointingOptions.savepointDirectory.key]: join(folder, 'savepoints'),
  })
    .with(options.configuration ?? {}, 'configuration')
    .with(
      {
        [recoveryOptions.path.key]: options.fromSavepoint,
        [recoveryOptions.ignoreUnclaimedState.key]: options.allowNonRestoredState,
      },
      'options of startJob',
    );

/** What a job hands to whoever runs it. */
class Inbox {
  readonly lines: string[] = [];
  readonly console: string[] = [];
  readonly log: string[] = [];
  readonly checkpoints: string[] = [];
  readonly collected: Map<string, CollectedRows<unknown>>;
  readonly events: RunEvents;
  onArrival: () => void = () => {};

  constructor(options: StartJobOptions) {
    const earlier = options.continues?.allCollected ?? new Map<string, CollectedRows<unknown>>();
    this.collected = new Map([...earlier].map(([name, rows]) => [name, new CollectedRows(rows)]));
    this.events = {
      printed: (line) => {
        this.lines.push(line);
        options.onPrint?.(line);
        this.onArrival();
      },
      console: (_level, source, text) => {
        this.console.push(`[${source}] ${text}`);
        options.onConsole?.(source, text);
        this.onArrival();
      },
      log: (level, message) => {
        this.log.push(`${level}: ${message}`);
        options.onLog?.(level, message);
        this.onArrival();
      },
      collected: (name, payload) => {
        const rows = this.collected.get(name) ?? new CollectedRows<unknown>();
        this.collected.set(name, rows);
        rows.accept(payload as CollectedTransaction);
        this.onArrival();
      },
      checkpointCompleted: (metadataPath) => {
        this.checkpoints.push(metadataPath);
        options.onCheckpoint?.(metadataPath);
        this.onArrival();
      },
    };
  }
}

const endedOtherwise = (jobName: string, outcome: RunOutcome, wanted: string): MillraceError => {
  const { status, error } = outcome;
  const reason = error === undefined ? '' : `: ${error.message}`;
  return new MillraceError('JOB_ENDED', `job ${jobName} ${wanted} and ended ${status}${reason}`, {
    cause: status === 'FAILED' ? present(error, 'the error of a failed job') : undefined,
  });
};
