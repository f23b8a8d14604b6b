import { removeEndedJob } from '../../../coordination/job-removal.ts';
import type { JobResultPointer } from '../../../coordination/job-result-store.ts';
import type { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import type { StoredJobResult } from '../../../coordination/storage/job-result-files.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { CheckpointCleaner } from '../../checkpoint/checkpoint-cleaner.ts';
import type { JobDetails, JobSummary } from './cluster-gateway.ts';
import { isAway } from './is-away.ts';
import { outlived, type ResultRetention } from './result-retention.ts';
import type { SteadfastStores } from './steadfast-stores.ts';

/** Before the files of checkpoints are deleted again: twice as long each time, about a minute in all. */
const DELETE_AGAIN_MS = 500;
const DELETE_AGAIN_MAX_MS = 32_000;
/** Between two looks for results that are to be forgotten; sooner where they are kept for less. */
const RETENTION_LOOK_MS = 60_000;

export interface EndedJobsOptions {
  readonly stores: SteadfastStores;
  readonly storage: ClusterStorage;
  readonly retention: ResultRetention;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The results of jobs, and the way from the end of a job to where only its result is left (R9). */
export class EndedJobs {
  readonly #options: EndedJobsOptions;
  readonly #results = new Map<JobId, JobResultPointer>();

  constructor(options: EndedJobsOptions) {
    this.#options = options;
  }

  /** What leaders before this one left; `dirty`: their end is to be resumed. */
  async read(): Promise<readonly JobId[]> {
    const { stores, logger } = this.#options;
    const dirty: JobId[] = [];
    for (const entry of await stores.run('read the results of jobs', () => stores.raw.jobResults.all())) {
      if (entry.kind === 'broken') {
        logger.error(`The result of job ${entry.jobId} cannot be read: ${entry.error.message}`);
        continue;
      }
      this.#results.set(entry.jobId, entry.value);
      if (entry.value.isDirty) {
        dirty.push(entry.jobId);
      }
    }
    return dirty;
  }

  has(jobId: JobId): boolean {
    return this.#results.has(jobId);
  }

  /** Of a job that may have ended under a leader before this one only. */
  async find(jobId: JobId): Promise<JobResultPointer | undefined> {
    const { stores } = this.#options;
    return (
      this.#results.get(jobId) ??
      (await stores.run(`read the result of job ${jobId}`, () => stores.raw.jobResults.get(jobId)))
    );
  }

  get summaries(): readonly JobSummary[] {
    return [...this.#results.values()].map(summaryOf);
  }

  async details(pointer: JobResultPointer): Promise<JobDetails> {
    const { storage, logger } = this.#options;
    const summary = summaryOf(pointer);
    const nothing = { intent: 'run', overview: undefined, notes: [] } as const;
    try {
      const { error, savepoint, restarts } = await storage.results.read(pointer.resultPath);
      return { ...summary, ...nothing, error, savepoint, restarts };
    } catch (thrown) {
      logger.warn(`What is known of the end of job ${pointer.jobId} is incomplete: ${messageOf(thrown)}`);
      return { ...summary, ...nothing, error: undefined, savepoint: undefined, restarts: 0 };
    }
  }

  /** That of the stop that ended it. Errors: STORE_AWAY, retryable, while that cannot be read (R5). */
  async savepoint({ jobId, resultPath }: JobResultPointer): Promise<string | undefined> {
    const { storage, logger } = this.#options;
    try {
      return (await storage.results.read(resultPath)).savepoint;
    } catch (thrown) {
      if (isAway(thrown)) {
        const message = `how job ${jobId} ended cannot be read now: ${messageOf(thrown)}; ask again`;
        throw new MillraceError('STORE_AWAY', message, { retryable: true, cause: thrown });
      }
      logger.warn(`What is known of the end of job ${jobId} is incomplete: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  /** From here on the job has ended (R9). */
  async write(result: StoredJobResult): Promise<void> {
    const { stores, storage } = this.#options;
    const { jobId, jobName, status, startedMs, endedMs } = result;
    const resultPath = await stores.run(`write the result of job ${jobId}`, () =>
      storage.results.write(storage.resultsFolder, result),
    );
    const pointer = await stores.run(`write that job ${jobId} has ended`, () =>
      stores.raw.jobResults.createDirty({ jobId, jobName, status, startedMs, endedMs, resultPath }),
    );
    this.#results.set(jobId, pointer);
  }

  /** Pointers, files, then the result becomes clean. */
  async remove(jobId: JobId): Promise<void> {
    const { stores, storage } = this.#options;
    await stores.run(`remove what job ${jobId} leaves`, () =>
      removeEndedJob(stores.raw, storage, jobId, () => this.#deleteCheckpoints(jobId)),
    );
    const pointer = this.#results.get(jobId);
    if (pointer !== undefined) {
      this.#results.set(jobId, { ...pointer, isDirty: false });
    }
  }

  /** Forgets the results that are too old or too many, for as long as this process leads: else the store would grow for ever. */
  async keepToRetention(): Promise<void> {
    const { stores, retention, logger } = this.#options;
    const pauseMs = Math.min(RETENTION_LOOK_MS, retention.expirationMs);
    for (await stores.pause(pauseMs); !stores.isStopped; await stores.pause(pauseMs)) {
      try {
        await this.#forgetOutlived();
      } catch (thrown) {
        if (!stores.isStopped) {
          logger.warn(`Results of ended jobs are kept for longer than they should be: ${messageOf(thrown)}`);
        }
      }
    }
  }

  /** The pointer, then the file (I3). */
  async #forgetOutlived(): Promise<void> {
    const { stores, storage, clock, retention } = this.#options;
    for (const { jobId, resultPath } of outlived([...this.#results.values()], retention, clock.now())) {
      await stores.run(`forget how job ${jobId} ended`, () => stores.raw.jobResults.remove(jobId));
      this.#results.delete(jobId);
      await storage.results.delete(resultPath);
    }
  }

  async #deleteCheckpoints(jobId: JobId): Promise<void> {
    const { stores, storage, logger } = this.#options;
    const pointer = this.#results.get(jobId);
    if (pointer === undefined) {
      return;
    }
    try {
      const { checkpointsToDelete: folder } = await storage.results.read(pointer.resultPath);
      if (folder !== undefined) {
        await this.#deleteAllIn(folder);
      }
    } catch (thrown) {
      if (stores.isStopped || isAway(thrown)) {
        throw thrown;
      }
      // Files that nothing points to are garbage, no danger (I3).
      logger.warn(`The checkpoints of the ended job ${jobId} are left where they are: ${messageOf(thrown)}`);
    }
  }

  /** Storage that is away for a while is waited for (I13); who leads no more leaves it to the next leader, the result being dirty. */
  async #deleteAllIn(folder: string): Promise<void> {
    const { stores, storage, logger } = this.#options;
    const { fs, path } = storage.locate(folder);
    for (let pauseMs = DELETE_AGAIN_MS; !(await new CheckpointCleaner(fs, path, logger).deleteAll()); pauseMs *= 2) {
      if (pauseMs > DELETE_AGAIN_MAX_MS) {
        logger.warn(`Not all checkpoint files in ${path} could be deleted; delete by hand what is left of them`);
        return;
      }
      await stores.pause(pauseMs);
      if (stores.isStopped) {
        throw new MillraceError('NOT_LEADER', 'this JobManager leads no longer', { retryable: true });
      }
    }
  }
}

const summaryOf = ({ jobId, jobName, status, startedMs, endedMs }: JobResultPointer): JobSummary => ({
  jobId,
  name: jobName,
  state: status,
  submittedMs: startedMs,
  endedMs,
  tasks: { total: 0, running: 0 },
  waiting: undefined,
  setAside: undefined,
});
