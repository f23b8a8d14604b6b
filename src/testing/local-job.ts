import { Configuration } from '../foundation/config/configuration.ts';
import { bundleJob } from '../interfaces/cli/bundle/bundle-job.ts';
import type { RunOutcome } from '../interfaces/cli/job-run.ts';
import type { JobProgress } from '../interfaces/cli/progress.ts';
import { startLocalRun } from '../process/local-run.ts';

export interface StartJobOptions {
  /** What the builder gets. */
  readonly args?: readonly string[];
  /** By configuration key, such as `{ 'parallelism.default': '2' }`. */
  readonly configuration?: Readonly<Record<string, string>>;
  /** A savepoint or checkpoint: its folder, its `_metadata`, or the checkpoint folder of a job (its newest). */
  readonly fromSavepoint?: string;
  /** Runs everything in the calling thread; for debuggers and benchmarks. */
  readonly inline?: boolean;
  /** Lines of `print()` sinks. */
  readonly onPrint?: (line: string) => void;
  /** Lines of `console.log` and the like; `source` is `operator (subtask/parallelism)`. */
  readonly onConsole?: (source: string, text: string) => void;
  readonly onLog?: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  readonly onCheckpoint?: (metadataPath: string) => void;
}

/** A job that runs in this process. */
export interface LocalJob {
  readonly jobId: string;
  readonly outcome: Promise<RunOutcome>;
  progress(): JobProgress;
  cancel(): void;
  savepoint(folder?: string): Promise<string>;
  stop(options: { readonly folder?: string; readonly drain: boolean }): Promise<string>;
  checkpoint(): Promise<string>;
  /** Ends a task thread as a crash would. */
  killThread(index: number): Promise<void>;
  /** Rows of the sink `collect(name)`, each once: a transaction that is handed out again is known by its name. */
  collected(name: string): readonly unknown[];
}

/** What a collecting sink hands out. */
interface CollectedRows {
  readonly transaction: string;
  readonly rows: readonly unknown[];
}

/**
 * Runs the job of a file on an embedded cluster in this process.
 *
 * ```ts
 * import { startJob } from 'millrace/testing';
 *
 * const job = await startJob('job.ts', { configuration: { 'parallelism.default': '2' } });
 * const { status } = await job.outcome;
 * console.log(status, job.collected('results'));
 * ```
 */
export const startJob = async (file: string, options: StartJobOptions = {}): Promise<LocalJob> => {
  const bundle = await bundleJob(file);
  const transactions = new Map<string, Map<string, readonly unknown[]>>();
  const run = await startLocalRun(
    {
      bundle,
      args: options.args ?? [],
      configuration: Configuration.of(
        { ...options.configuration, 'execution.state-recovery.path': options.fromSavepoint },
        'test',
      ),
      inline: options.inline ?? false,
    },
    {
      printed: (line) => options.onPrint?.(line),
      console: (_level, source, text) => options.onConsole?.(source, text),
      log: (level, message) => options.onLog?.(level, message),
      collected: (name, payload) => {
        const { transaction, rows } = payload as CollectedRows;
        const known = transactions.get(name) ?? new Map<string, readonly unknown[]>();
        known.set(transaction, rows);
        transactions.set(name, known);
      },
      checkpointCompleted: (metadataPath) => options.onCheckpoint?.(metadataPath),
    },
  );
  return {
    jobId: run.jobId,
    outcome: run.outcome,
    progress: () => run.progress(),
    cancel: () => run.cancel(),
    savepoint: (folder) => run.savepoint(folder),
    stop: (how) => run.stop(how),
    checkpoint: () => run.checkpoint(),
    killThread: (index) => run.killThread(index),
    collected: (name) => [...(transactions.get(name)?.values() ?? [])].flat(),
  };
};
