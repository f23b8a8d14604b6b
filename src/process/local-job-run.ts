import { dirname } from 'node:path/posix';
import type { Clock } from '../foundation/common/clock.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import type { JobRun, RunOutcome } from '../interfaces/cli/job-run.ts';
import type { JobProgress } from '../interfaces/cli/progress.ts';
import type { JobMaster } from '../runtime/jobmanager/jobmaster/job-master.ts';
import type { TaskManager } from '../runtime/taskmanager/task-manager.ts';
import type { ClaimedSnapshot } from './claimed-snapshot.ts';
import { requireSharedFolder } from './local-places.ts';

export interface LocalJobRunOptions {
  readonly jobId: string;
  readonly jobName: string;
  readonly jobMaster: JobMaster;
  readonly taskManager: TaskManager;
  readonly savepointDir: string;
  /** Tasks run in this thread. */
  readonly inline: boolean;
  readonly notes: readonly string[];
  readonly clock: Clock;
  /** The folder of the snapshot that the job started from. */
  readonly startedFrom: string | undefined;
  /** That snapshot, where the job owns it. */
  readonly claimed: ClaimedSnapshot | undefined;
  /** Ends threads, deletes the bundle. */
  readonly cleanUp: () => Promise<void>;
}

/** A job on the embedded cluster, as whoever started it sees it. */
export class LocalJobRun implements JobRun {
  readonly jobId: string;
  readonly jobName: string;
  readonly notes: readonly string[];
  readonly outcome: Promise<RunOutcome>;
  readonly #options: LocalJobRunOptions;
  /** Counts of attempts that are gone, so that a restart does not count backwards. */
  readonly #counted = new Map<string, { readonly in: number; readonly out: number; readonly late: number }>();

  constructor(options: LocalJobRunOptions) {
    this.#options = options;
    this.jobId = options.jobId;
    this.jobName = options.jobName;
    this.notes = options.notes;
    this.outcome = this.#run();
  }

  progress(): JobProgress {
    const { jobMaster, clock } = this.#options;
    const { status, restarts, tasks, checkpoints } = jobMaster.overview;
    for (const { metrics } of tasks) {
      if (metrics !== undefined) {
        this.#counted.set(metrics.attempt, {
          in: metrics.recordsFromSource,
          out: metrics.recordsToSinks,
          late: Object.values(metrics.counters).reduce((sum, each) => sum + (each['numLateRecordsDropped'] ?? 0), 0),
        });
      }
    }
    const counted = [...this.#counted.values()];
    const latest = checkpoints?.latestCompleted;
    return {
      status,
      recordsIn: counted.reduce((sum, each) => sum + each.in, 0),
      recordsOut: counted.reduce((sum, each) => sum + each.out, 0),
      lateRecordsDropped: counted.reduce((sum, each) => sum + each.late, 0),
      restarts,
      checkpoint:
        latest === undefined
          ? undefined
          : {
              id: latest.checkpointId,
              ageMs: Math.max(0, clock.now() - latest.completedMs),
              sizeBytes: latest.stateBytes,
              durationMs: latest.durationMs,
            },
      failedCheckpoints: checkpoints?.failed ?? 0,
    };
  }

  cancel(): void {
    void this.#options.jobMaster.cancel();
  }

  async savepoint(folder = this.#options.savepointDir): Promise<string> {
    this.#requireUsable(folder);
    const { metadataPath } = await this.#options.jobMaster.triggerSavepoint(folder);
    return dirname(metadataPath);
  }

  async stop({ folder = this.#options.savepointDir, drain }: { folder?: string; drain: boolean }): Promise<string> {
    this.#requireUsable(folder);
    const { metadataPath } = await this.#options.jobMaster.stop(folder, drain);
    return dirname(metadataPath);
  }

  #requireUsable(folder: string): void {
    if (!this.#options.inline) {
      requireSharedFolder(folder);
    }
  }

  async checkpoint(): Promise<string> {
    const { metadataPath } = await this.#options.jobMaster.triggerCheckpoint();
    return dirname(metadataPath);
  }

  /** Ends a task thread as a crash would. */
  killThread(index: number): Promise<void> {
    return this.#options.taskManager.killThread(index);
  }

  async #run(): Promise<RunOutcome> {
    const { jobMaster, claimed, cleanUp } = this.#options;
    const result = await jobMaster.result;
    this.progress();
    await claimed?.ended(result.status === 'FINISHED');
    await cleanUp();
    const retained = await this.#retainedCheckpoint();
    return {
      status: result.status === 'SUSPENDED' ? 'CANCELED' : result.status,
      durationMs: result.durationMs,
      ...(result.error === undefined ? {} : { error: result.error }),
      ...(result.savepoint === undefined ? {} : { savepoint: result.savepoint }),
      ...(retained === undefined ? {} : { retainedCheckpoint: retained }),
    };
  }

  /** The newest checkpoint, if the end of the job left it there; without one, where the job had started. */
  async #retainedCheckpoint(): Promise<string | undefined> {
    const newest = this.#options.jobMaster.overview.checkpoints?.latestCompleted?.path;
    if (newest === undefined) {
      return this.#options.startedFrom;
    }
    const { fs, path } = fileSystemOf(newest);
    return (await fs.stat(path)) === undefined ? undefined : dirname(newest);
  }
}
