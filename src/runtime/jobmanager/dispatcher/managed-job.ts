import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import type { JobIntent, JobRecord, JobRecordStore } from '../../../coordination/job-record-store.ts';
import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
import { assert } from '../../../foundation/common/assert.ts';
import { errorInfo, messageOf, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { HeardIds } from '../jobmaster/forgotten-checkpoint.ts';
import type { JobResult } from '../jobmaster/job-master-options.ts';
import { isTerminal, withoutResult, type JobStatus } from '../jobmaster/job-status.ts';
import type { HeldSlots } from '../scheduler/slot-table.ts';
import type { RescaleRequest, VertexParallelism } from '../../protocol/rescale-request.ts';
import type { SnapshotStatus } from '../../protocol/snapshot-requests.ts';
import type { JobDetails, JobState, JobSummary } from './cluster-gateway.ts';
import { JobRescale, type LoadedJob } from './job-rescale.ts';
import type { JobSurroundings, ManagedMaster, PreparedJob } from './job-starter.ts';
import type { ManagedJobOptions } from './managed-job-options.ts';
import { mayPass } from './may-pass.ts';
import { notLoaded } from './not-loaded.ts';
import { parallelismOf } from './rescale-targets.ts';
import { SnapshotTriggers } from './snapshot-triggers.ts';

/** Leaders that began to load a job and did not live to finish it: with so many it is set aside (R13). */
const LOADING_MARKS_MAX = 3;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'loaded'; readonly job: PreparedJob; readonly stored: StoredJob }
  | { readonly kind: 'set-aside'; readonly error: ErrorInfo }
  /** Its result is written. */
  | { readonly kind: 'ended'; readonly status: JobResult['status'] }
  /** This leadership is over. */
  | { readonly kind: 'suspended' };

/** One job under one leadership: loaded, run, ended; or set aside, which harms no other (I7). */
export class ManagedJob {
  readonly triggers = new SnapshotTriggers();
  readonly #options: ManagedJobOptions;
  readonly #record: JobRecordStore;
  readonly #rescale: JobRescale;
  #pointer: JobGraphPointer;
  /** Of the JobMaster before, until the next one has them. */
  #held: HeldSlots = new Map();
  #state: State = { kind: 'loading' };
  /** As far as it is known here; the record has it (R7). */
  #intent: JobIntent['kind'] = 'run';
  #isMarked = false;
  /** For the next JobMaster, of checkpoints that the store does not know (R12). */
  #heard: HeardIds | undefined;
  /** What kept the JobMaster from starting. */
  #unreadable: ErrorInfo | undefined;
  #retryMs = FIRST_RETRY_MS;
  #hasResult = false;

  constructor(options: ManagedJobOptions) {
    this.#options = options;
    const { stores, ownMarks, pointer } = options;
    this.#pointer = pointer;
    this.#record = ownMarks.leftOutOf(stores.record(pointer.jobId), pointer.jobId);
    this.#rescale = this.#createRescale();
  }

  get jobId(): JobId {
    return this.#pointer.jobId;
  }

  /** While it is loaded. */
  get master(): ManagedMaster | undefined {
    return this.#state.kind === 'loaded' ? this.#state.job.master : undefined;
  }

  get state(): JobState {
    const state = this.#state;
    switch (state.kind) {
      case 'loading':
        return 'INITIALIZING';
      case 'loaded':
        return this.#hasResult ? state.job.master.status : withoutResult(state.job.master.status);
      case 'set-aside':
        return 'SET_ASIDE';
      case 'ended':
        return this.#hasResult ? state.status : withoutResult(state.status);
      case 'suspended':
        return 'SUSPENDED';
    }
  }

  get summary(): JobSummary {
    const { jobId, jobName, submittedMs } = this.#pointer;
    const tasks = this.master?.overview.tasks ?? [];
    const running = tasks.filter(({ state }) => state === 'RUNNING').length;
    return {
      jobId,
      name: jobName,
      state: this.state,
      submittedMs,
      endedMs: undefined,
      tasks: { total: tasks.length, running },
      waiting: this.#options.resources.overview.waiting.find(({ jobId: waiting }) => waiting === jobId),
      setAside: this.#state.kind === 'set-aside' ? this.#state.error : undefined,
    };
  }

  get details(): JobDetails {
    const overview = this.master?.overview;
    return {
      ...this.summary,
      intent: this.#rescale.isUnderWay ? 'rescale' : this.#intent,
      overview,
      error: this.#state.kind === 'set-aside' ? this.#state.error : overview?.latestFailure,
      savepoint: undefined,
      notes: this.#state.kind === 'loaded' ? this.#state.job.notes : [],
      restarts: overview?.restarts ?? 0,
    };
  }

  /** Never rejects; resolves when the JobMaster has started, or the job is set aside. `forced`: whatever the marks say. */
  async load(forced = false): Promise<void> {
    this.#state = { kind: 'loading' };
    this.#unreadable = undefined;
    try {
      await this.#load(forced);
    } catch (thrown) {
      this.#unloadable(errorInfo(thrown), await mayPass(thrown, this.#options.storage));
    }
  }

  /** What it runs goes on; this process commands it no more. */
  suspend(): void {
    if (this.#state.kind === 'loaded') {
      this.#state.job.master.suspend();
    }
    if (this.#state.kind !== 'ended') {
      this.#state = { kind: 'suspended' };
    }
  }

  /** Resolves when it is certain to happen, whoever leads (R7). */
  async cancel(): Promise<void> {
    if (this.#state.kind === 'ended') {
      return;
    }
    this.#intent = 'cancel';
    if (this.master === undefined) {
      await this.#record.recordIntent({ kind: 'cancel', requestId: this.#options.random.hex(32) });
    }
    if (this.#state.kind === 'set-aside') {
      await this.#cancelUnloaded();
    } else {
      // Also where it was loaded meanwhile, from a record that did not have it yet.
      await this.master?.cancel();
    }
  }

  /** Resolves when it is certain to be tried, whoever leads (R7). */
  async stop(requestId: string, directory: string | undefined, drain: boolean): Promise<void> {
    const { master, savepointDirectory } = this.requireLoaded();
    if ((await this.snapshotStatus(requestId)) !== undefined) {
      return;
    }
    if (this.#rescale.isUnderWay) {
      const message = `job ${this.jobId} is being rescaled and cannot be stopped before that is done; cancel it, or ask again`;
      throw new MillraceError('JOB_NOT_RUNNING', message, { retryable: true });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.triggers.start(requestId, async () => {
      try {
        const accepted = (): void => {
          this.#intent = 'stop';
          resolve();
        };
        return (await master.stop(directory ?? savepointDirectory, drain, { requestId, accepted })).baseFolder;
      } catch (thrown) {
        this.#intent = this.#intent === 'stop' ? 'run' : this.#intent;
        reject(thrown);
        throw thrown;
      }
    });
    await promise;
  }

  /** Resolves when it is certain to be tried, whoever leads (R7). */
  async rescale(requestId: string, request: RescaleRequest): Promise<void> {
    if ((await this.snapshotStatus(requestId)) === undefined) {
      await this.#rescale.start(requestId, request);
    }
  }

  get parallelism(): readonly VertexParallelism[] {
    return parallelismOf(this.#requireStored().stored.graph);
  }

  /** Of a savepoint or checkpoint, of a stop or a rescale that a leader before this one accepted. */
  async snapshotStatus(triggerId: string): Promise<SnapshotStatus | undefined> {
    const known = this.triggers.get(triggerId);
    if (known !== undefined || this.#state.kind === 'ended') {
      return known;
    }
    const { intent } = await this.#record.read();
    const isFollowed = intent.kind === 'stop' || intent.kind === 'rescale';
    return isFollowed && intent.requestId === triggerId ? { state: 'in-progress' } : undefined;
  }

  /** Errors: JOB_SET_ASIDE; JOB_ENDED (retryable) while there is no JobMaster to ask. */
  requireLoaded(): PreparedJob {
    if (this.#state.kind === 'loaded' && !isTerminal(this.#state.job.master.status)) {
      return this.#state.job;
    }
    const error = this.#state.kind === 'set-aside' ? this.#state.error : undefined;
    throw notLoaded(this.#pointer, this.state, error, this.#state.kind !== 'ended');
  }

  #requireStored(): LoadedJob {
    const { master } = this.requireLoaded();
    const state = this.#state;
    assert(state.kind === 'loaded', 'a job that is loaded');
    return { pointer: this.#pointer, stored: state.stored, master };
  }

  #createRescale(): JobRescale {
    return new JobRescale({
      ...this.#options,
      record: this.#record,
      triggers: this.triggers,
      slots: () => this.#options.resources.slotsFor(this.jobId),
      host: {
        requireLoaded: () => this.#requireStored(),
        isCurrent: (master) => this.master === master && !this.#options.stores.isStopped,
        switchedTo: (pointer, held) => {
          this.#pointer = pointer;
          this.#held = held;
          return this.load();
        },
      },
    });
  }

  async #load(forced: boolean): Promise<void> {
    const { storage, starter, resources, stores } = this.#options;
    const record = await this.#record.read();
    if (this.#intent !== 'cancel') {
      // A cancel that is being written is not in there yet.
      this.#intent = record.intent.kind === 'rescale' ? 'run' : record.intent.kind;
    }
    if (forced) {
      await this.#record.clearLoading();
    } else if (record.loadingMarks >= LOADING_MARKS_MAX && !this.#isMarked) {
      throw new MillraceError(
        'JOB_SET_ASIDE',
        `${record.loadingMarks} JobManagers in a row began to load job ${this.jobId} and did not live to finish it`,
      );
    }
    if (!this.#isMarked) {
      this.#options.marks.loading(this.jobId);
      await this.#record.markLoading();
      this.#isMarked = true;
    }
    const stored = await storage.jobGraphs.read(this.#pointer.graphPath);
    const job = await starter.prepare(stored, this.#surroundings(record, stored));
    if (this.#state.kind !== 'loading' || stores.isStopped) {
      return;
    }
    this.#state = { kind: 'loaded', job, stored };
    this.#held = new Map();
    this.#heard = undefined;
    void job.master.result.then((result) => this.#over(job, result));
    job.master.start();
    resources.jobLoaded(this.jobId, job.master);
    this.#rescale.goOn(record.intent);
  }

  #surroundings(record: JobRecord, stored: StoredJob): JobSurroundings {
    const { stores, resources, fence } = this.#options;
    return {
      fence,
      slots: resources.slotsOf(this.jobId),
      heldSlots: resources.stillHeld(this.jobId, this.#held),
      locateSlot: (slot) => resources.locate(slot),
      executors: (instanceId) => resources.executor(instanceId),
      taskManagerAddress: (instanceId) => resources.addressOf(instanceId),
      awaited: (taskManagers) => resources.awaited(taskManagers),
      records: this.#record,
      checkpoints: stores.checkpoints(this.jobId),
      checkpointIds: stores.checkpointIds(this.jobId),
      persistResult: (result) => this.#writeResult(stored, result),
      isSetAside: (error) => {
        // A first start that does not fit is a failure of the job; anything else is not for this process to end (R5).
        const isMisfit = error.code === 'CHECKPOINT_MISMATCH' || error.code === 'BAD_JOB';
        this.#unreadable = record.generations.length === 0 && isMisfit ? undefined : error;
        return this.#unreadable !== undefined;
      },
      heard: this.#heard,
      storeWentBack: (heard) => void (this.#heard = heard),
      listener: { statusChanged: (from, to) => this.#statusChanged(from, to) },
    };
  }

  #statusChanged(from: JobStatus, to: JobStatus): void {
    if (from === 'INITIALIZING' && to !== 'SUSPENDED') {
      this.#retryMs = FIRST_RETRY_MS;
      this.#options.resources.jobRecovered(this.jobId);
      this.#unmark();
    }
  }

  /** Where this cannot be written, the mark counts once too often. */
  #unmark(): void {
    this.#isMarked = false;
    this.#options.marks.done(this.jobId, () => void this.#record.clearLoading().catch(() => {}));
  }

  /** A user ends a job that cannot be loaded: its result is written, its checkpoints are kept, what runs of it is cancelled. */
  async #cancelUnloaded(): Promise<void> {
    const { pointer, ended, clock, logger, removed, resources } = this.#options;
    this.#state = { kind: 'ended', status: 'CANCELED' };
    const { jobId, jobName, submittedMs } = pointer;
    try {
      const times = { startedMs: submittedMs, endedMs: clock.now() };
      await ended.write({ jobId, jobName, status: 'CANCELED', ...times, restarts: 0 });
      this.#hasResult = true;
      await ended.remove(jobId);
      removed();
      resources.jobEnded(jobId);
    } catch (thrown) {
      logger.warn(`The end of job ${jobId} is left to the next leader: ${messageOf(thrown)}`);
    }
  }

  /** Before anything of the job goes (R9); then tasks and slots are released. */
  async #writeResult(stored: StoredJob, { status, error, savepoint, restarts }: JobResult): Promise<void> {
    const { ended, clock, resources, pointer } = this.#options;
    if (status === 'SUSPENDED' || this.#state.kind !== 'loaded') {
      throw new MillraceError('NOT_LEADER', 'this JobManager leads no longer', { retryable: true });
    }
    const folder = this.#state.job.checkpointsToDelete(status);
    await ended.write({
      jobId: this.jobId,
      jobName: stored.graph.name,
      status,
      startedMs: pointer.submittedMs,
      endedMs: clock.now(),
      restarts,
      ...(error === undefined ? {} : { error }),
      ...(savepoint === undefined ? {} : { savepoint }),
      ...(folder === undefined ? {} : { checkpointsToDelete: folder }),
    });
    this.#hasResult = true;
    resources.jobEnded(this.jobId);
  }

  async #over(job: PreparedJob, result: JobResult): Promise<void> {
    const { ended, removed, logger, resources, stores } = this.#options;
    await job.close(result).catch((error: unknown) => logger.warn(`Job ${this.jobId}: ${messageOf(error)}`));
    if (result.status !== 'SUSPENDED') {
      this.#state = { kind: 'ended', status: result.status };
      try {
        await ended.remove(this.jobId);
        removed();
      } catch (thrown) {
        logger.warn(`What job ${this.jobId} leaves is left to the next leader: ${messageOf(thrown)}`);
      }
    } else if (this.#state.kind === 'loaded' && this.#heard !== undefined && !stores.isStopped) {
      resources.jobUnloaded(this.jobId);
      await this.load();
    } else if (this.#state.kind === 'loaded' && this.#unreadable !== undefined) {
      resources.jobUnloaded(this.jobId);
      this.#unloadable(this.#unreadable, await mayPass(this.#unreadable, this.#options.storage));
    }
  }

  #unloadable(error: ErrorInfo, isAway: boolean): void {
    const { logger, stores } = this.#options;
    if (stores.isStopped || this.#state.kind === 'suspended' || this.#state.kind === 'ended') {
      return;
    }
    const job = `Job ${this.#pointer.jobName} (${this.jobId})`;
    if (isAway) {
      const pauseMs = this.#retryMs;
      this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * pauseMs);
      this.#state = { kind: 'loading' };
      logger.warn(`${job} cannot be loaded now: ${error.message}; its tasks go on; trying again in ${pauseMs} ms`);
      void stores.pause(pauseMs).then(() => (stores.isStopped ? undefined : this.load()));
    } else {
      this.#state = { kind: 'set-aside', error };
      logger.error(
        `${job} is set aside: ${error.message}; its tasks, if there are any, go on, and all that is kept of it stays`,
      );
      // The mark is for leaders that die of a job, and this one lives.
      if (this.#isMarked) {
        this.#unmark();
      }
      if (this.#intent === 'cancel') {
        void this.#cancelUnloaded();
      }
    }
  }
}
