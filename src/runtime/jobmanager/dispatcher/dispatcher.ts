import { dirname } from 'node:path/posix';
import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import type { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import { present } from '../../../foundation/common/assert.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { messageOf, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { Fence } from '../../../foundation/common/fence.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { deleteSavepoint } from '../../checkpoint/delete-savepoint.ts';
import { readCheckpoint } from '../../checkpoint/read-checkpoint.ts';
import { isGloballyTerminal } from '../jobmaster/job-status.ts';
import type { JobDirectory, TaskListener } from '../resource-manager/job-directory.ts';
import type { ResourceManager } from '../resource-manager/resource-manager.ts';
import type { JobDetails, JobState, JobSubmission, JobSummary, SubmissionAnswer } from './cluster-gateway.ts';
import type { RescaleRequest, VertexParallelism } from '../../protocol/rescale-request.ts';
import type {
  SavepointRequest,
  SnapshotStatus,
  SnapshotTrigger,
  StopRequest,
} from '../../protocol/snapshot-requests.ts';
import { EndedJobs } from './ended-jobs.ts';
import type { JobStarter } from './job-starter.ts';
import { ManagedJob } from './managed-job.ts';
import { LoadingMarks } from './loading-marks.ts';
import type { OwnLoadingMarks } from './own-loading-marks.ts';
import type { ResultRetention } from './result-retention.ts';
import type { SnapshotTriggers } from './snapshot-triggers.ts';
import type { SteadfastStores } from './steadfast-stores.ts';
import { jobHasEnded, Submissions } from './submissions.ts';

/** Of so many ended jobs the answers to triggers are remembered. */
const REMEMBERED_JOBS = 100;

export interface DispatcherOptions {
  readonly fence: Fence;
  readonly stores: SteadfastStores;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  /** Of this process, under all its leaderships. */
  readonly ownMarks: OwnLoadingMarks;
  readonly retention: ResultRetention;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** All jobs of the cluster under one leadership. */
export class Dispatcher implements JobDirectory {
  readonly #options: DispatcherOptions;
  readonly #submissions: Submissions;
  readonly #ended: EndedJobs;
  readonly #marks: LoadingMarks;
  readonly #jobs = new Map<JobId, ManagedJob>();
  /** Jobs whose pointer itself cannot be read. */
  readonly #broken = new Map<JobId, ErrorInfo>();
  readonly #submitting = new Map<JobId, Promise<SubmissionAnswer>>();
  readonly #endedTriggers = new Map<JobId, SnapshotTriggers>();
  #resources: ResourceManager | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#submissions = new Submissions(options);
    this.#ended = new EndedJobs(options);
    this.#marks = new LoadingMarks(options.clock);
  }

  /**
   * Reads which jobs there are (R14); from then on each is known. Resolves with the loading of all of them, which never
   * rejects and may take long where something is away. Rejects when the leadership has ended.
   */
  async start(resources: ResourceManager): Promise<{ readonly allLoaded: Promise<void> }> {
    const { stores, logger } = this.#options;
    this.#resources = resources;
    const dirty = await this.#ended.read();
    void this.#ended.keepToRetention();
    const entries = await stores.run('read the jobs', () => stores.raw.jobGraphs.all());
    const loading: Promise<void>[] = [];
    // Nobody waits for what is only to be removed.
    dirty.forEach((jobId) => void this.#resumeEnd(jobId));
    for (const entry of entries) {
      if (this.#ended.has(entry.jobId)) {
        continue;
      }
      if (entry.kind === 'broken') {
        this.#broken.set(entry.jobId, entry.error);
        logger.error(`Job ${entry.jobId} is set aside: ${entry.error.message}`);
      } else {
        loading.push(this.#add(entry.value).load());
      }
    }
    logger.info(`${this.#jobs.size + this.#broken.size} jobs to recover, ${dirty.length} ended jobs to clean up`);
    return { allLoaded: Promise.all(loading).then(() => undefined) };
  }

  /** This process leads no more: tasks go on, nothing is written or commanded. */
  suspend(): void {
    this.#jobs.forEach((job) => job.suspend());
  }

  find(jobId: JobId): TaskListener | undefined {
    return this.#ended.has(jobId) ? undefined : this.#jobs.get(jobId)?.master;
  }

  loaded(): readonly TaskListener[] {
    return [...this.#jobs.values()].flatMap(({ master }) => master ?? []);
  }

  /** What still runs of a job that has ended is ended too, also while what it leaves is removed (R9). */
  isKnown(jobId: JobId): boolean {
    const isThere = this.#jobs.has(jobId) || this.#broken.has(jobId) || this.#submitting.has(jobId);
    return isThere && !this.#ended.has(jobId);
  }

  hasEnded(jobId: JobId): boolean {
    return this.#ended.has(jobId);
  }

  /** The same job id at the same time, or later, is the same job (R7). */
  async submit(submission: JobSubmission): Promise<SubmissionAnswer> {
    const { jobId } = submission;
    if ((await this.#ended.find(jobId)) !== undefined) {
      throw jobHasEnded(jobId);
    }
    if (this.#jobs.has(jobId) || this.#broken.has(jobId)) {
      return { jobId, outcome: 'exists', notes: [] };
    }
    const under = this.#submitting.get(jobId);
    if (under !== undefined) {
      return { ...(await under), outcome: 'exists' };
    }
    const submitted = this.#submit(submission).finally(() => this.#submitting.delete(jobId));
    this.#submitting.set(jobId, submitted);
    return submitted;
  }

  list(): readonly JobSummary[] {
    const broken = [...this.#broken].map(([jobId, error]) => brokenSummary(jobId, error));
    const jobs = [...this.#jobs.values()].filter(({ jobId }) => !this.#ended.has(jobId));
    return [...jobs.map(({ summary }) => summary), ...broken, ...this.#ended.summaries];
  }

  async details(jobId: JobId): Promise<JobDetails> {
    const error = this.#broken.get(jobId);
    if (error !== undefined) {
      const nothing = { intent: 'run', overview: undefined, savepoint: undefined, notes: [] } as const;
      return { ...brokenSummary(jobId, error), ...nothing, error, restarts: 0 };
    }
    const job = this.#jobs.get(jobId);
    if (job !== undefined && !this.#ended.has(jobId)) {
      return job.details;
    }
    const ended = await this.#ended.find(jobId);
    if (ended === undefined) {
      throw notFound(jobId);
    }
    return this.#ended.details(ended);
  }

  async cancel(jobId: JobId): Promise<void> {
    await (await this.#running(jobId))?.cancel();
  }

  async stop(jobId: JobId, { triggerId: given, directory, drain }: StopRequest): Promise<{ triggerId: string }> {
    const triggerId = given ?? this.#options.random.hex(32);
    await (await this.#asked(jobId, triggerId, given !== undefined))?.stop(triggerId, directory, drain);
    return { triggerId };
  }

  async savepoint(
    jobId: JobId,
    { triggerId = this.#options.random.hex(32), directory }: SavepointRequest,
  ): Promise<{ triggerId: string }> {
    const job = await this.#asked(jobId, triggerId, false);
    if (job !== undefined) {
      const { master, savepointDirectory } = job.requireLoaded();
      job.triggers.start(
        triggerId,
        async () => (await master.triggerSavepoint(directory ?? savepointDirectory)).baseFolder,
      );
    }
    return { triggerId };
  }

  async checkpoint(
    jobId: JobId,
    { triggerId = this.#options.random.hex(32) }: SnapshotTrigger,
  ): Promise<{ triggerId: string }> {
    const job = await this.#asked(jobId, triggerId, false);
    if (job !== undefined) {
      const { master } = job.requireLoaded();
      job.triggers.start(triggerId, async () => dirname((await master.triggerCheckpoint()).metadataPath));
    }
    return { triggerId };
  }

  async rescale(
    jobId: JobId,
    { triggerId = this.#options.random.hex(32), ...request }: RescaleRequest,
  ): Promise<{ triggerId: string }> {
    await (await this.#requireRunning(jobId)).rescale(triggerId, request);
    return { triggerId };
  }

  async parallelism(jobId: JobId): Promise<readonly VertexParallelism[]> {
    return (await this.#requireRunning(jobId)).parallelism;
  }

  async snapshotStatus(jobId: JobId, triggerId: string): Promise<SnapshotStatus> {
    const known = await this.#statusOf(jobId, triggerId);
    if (known !== undefined) {
      return known;
    }
    const savepoint = await this.#savepointOf(jobId);
    if (savepoint !== undefined) {
      // It ended with a stop; whose trigger it was is not kept.
      return { state: 'completed', location: savepoint };
    }
    throw new MillraceError(
      'TRIGGER_NOT_FOUND',
      `trigger ${triggerId} of job ${jobId} is not known: it was never asked for, or another JobManager leads since; repeat it`,
    );
  }

  /** Of a job that ended with a stop. Errors: JOB_NOT_FOUND, STORE_AWAY. */
  async #savepointOf(jobId: JobId): Promise<string | undefined> {
    const isThere = this.#broken.has(jobId) || (this.#jobs.has(jobId) && !this.#ended.has(jobId));
    const ended = isThere ? undefined : await this.#ended.find(jobId);
    if (!isThere && ended === undefined) {
      throw notFound(jobId);
    }
    return ended === undefined ? undefined : this.#ended.savepoint(ended);
  }

  async #statusOf(jobId: JobId, triggerId: string): Promise<SnapshotStatus | undefined> {
    return (await this.#jobs.get(jobId)?.snapshotStatus(triggerId)) ?? this.#endedTriggers.get(jobId)?.get(triggerId);
  }

  async disposeSavepoint(place: string): Promise<void> {
    const { locate } = this.#options.storage;
    const { metadata, folder } = await readCheckpoint(place, { locate });
    if (metadata.kind !== 'savepoint') {
      throw new MillraceError('BAD_OPTION', `${folder} is a ${metadata.kind}, not a savepoint; its job deletes it`);
    }
    const { fs, path } = locate(folder);
    await deleteSavepoint(fs, path, metadata);
    this.#options.logger.info(`Disposed of the savepoint ${folder}`);
  }

  async retry(jobId: JobId): Promise<void> {
    await this.#retryBroken(jobId);
    const job = await this.#requireRunning(jobId);
    if (job.state === 'SET_ASIDE') {
      await job.load(true);
    }
  }

  /** What the store has of it may have been mended. */
  async #retryBroken(jobId: JobId): Promise<void> {
    const { stores } = this.#options;
    if (!this.#broken.has(jobId)) {
      return;
    }
    const entries = await stores.run('read the jobs', () => stores.raw.jobGraphs.all());
    const entry = entries.find((candidate) => candidate.jobId === jobId);
    if (entry?.kind === 'read' && this.#broken.delete(jobId)) {
      await this.#add(entry.value).load(true);
    }
  }

  async #submit(submission: JobSubmission): Promise<SubmissionAnswer> {
    const { logger } = this.#options;
    const { jobId } = submission;
    const persisted = await this.#submissions.persist(submission);
    if (persisted.outcome === 'exists') {
      return { jobId, outcome: 'exists', notes: [] };
    }
    logger.info(`Job ${persisted.pointer.jobName} has been submitted with JobID ${jobId}`);
    void this.#add(persisted.pointer).load();
    return { jobId, outcome: 'accepted', notes: persisted.notes };
  }

  #add(pointer: JobGraphPointer): ManagedJob {
    const { jobId } = pointer;
    const job = new ManagedJob({
      ...this.#options,
      pointer,
      resources: present(this.#resources, 'ResourceManager'),
      ended: this.#ended,
      marks: this.#marks,
      removed: () => {
        this.#jobs.delete(jobId);
        this.#endedTriggers.set(jobId, job.triggers);
        const [oldest] = this.#endedTriggers.keys();
        if (this.#endedTriggers.size > REMEMBERED_JOBS && oldest !== undefined) {
          this.#endedTriggers.delete(oldest);
        }
      },
    });
    this.#jobs.set(jobId, job);
    return job;
  }

  async #resumeEnd(jobId: JobId): Promise<void> {
    try {
      await this.#ended.remove(jobId);
      this.#options.logger.info(`Job ${jobId}, which ended under the leader before, is cleaned up`);
    } catch (thrown) {
      this.#options.logger.warn(`What job ${jobId} leaves is left to the next leader: ${messageOf(thrown)}`);
    }
  }

  /** `undefined`: it has ended. Errors: JOB_NOT_FOUND, JOB_SET_ASIDE. */
  async #running(jobId: JobId): Promise<ManagedJob | undefined> {
    const error = this.#broken.get(jobId);
    if (error !== undefined) {
      throw new MillraceError(
        'JOB_SET_ASIDE',
        `what the HA store has of job ${jobId} cannot be read: ${error.message}; when that is mended "millrace retry ${jobId}" tries it again`,
      );
    }
    const job = this.#jobs.get(jobId);
    if (job !== undefined && !isEnded(job.state)) {
      return job;
    }
    if (job === undefined && (await this.#ended.find(jobId)) === undefined) {
      throw notFound(jobId);
    }
    return undefined;
  }

  async #requireRunning(jobId: JobId): Promise<ManagedJob> {
    const job = await this.#running(jobId);
    if (job === undefined) {
      throw jobIsOver(jobId);
    }
    return job;
  }

  /**
   * `undefined`: the same was asked for before, its answer got lost, and the job has ended since (R7). `mayBeStop`: with a stop, then; whose
   * trigger that was is not kept.
   */
  async #asked(jobId: JobId, triggerId: string, mayBeStop: boolean): Promise<ManagedJob | undefined> {
    const job = await this.#running(jobId);
    if (job === undefined && (await this.#statusOf(jobId, triggerId)) === undefined) {
      if (!mayBeStop || (await this.#savepointOf(jobId)) === undefined) {
        throw jobIsOver(jobId);
      }
    }
    return job;
  }
}

const jobIsOver = (jobId: JobId): MillraceError => new MillraceError('JOB_ENDED', `job ${jobId} has ended`);

const isEnded = (state: JobState): boolean => state !== 'SET_ASIDE' && isGloballyTerminal(state);

const brokenSummary = (jobId: JobId, setAside: ErrorInfo): JobSummary => ({
  jobId,
  name: '?',
  state: 'SET_ASIDE',
  submittedMs: undefined,
  endedMs: undefined,
  tasks: { total: 0, running: 0 },
  waiting: undefined,
  setAside,
});

const notFound = (jobId: JobId): MillraceError =>
  new MillraceError('JOB_NOT_FOUND', `this cluster has no job ${jobId}; "millrace list --all" shows those it has`);
