import { dirname } from 'node:path/posix';
import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import type { JobIntent, JobRecordStore, RescaleIntent } from '../../../coordination/job-record-store.ts';
import type { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { RescaleRequest } from '../../protocol/rescale-request.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { isTerminal } from '../jobmaster/job-status.ts';
import type { HeldSlots } from '../scheduler/slot-table.ts';
import type { JobStarter, ManagedMaster } from './job-starter.ts';
import { requireRescalable, requireSlotsFor, rescaleTargets, type SlotsForJob } from './rescale-targets.ts';
import type { SnapshotTriggers } from './snapshot-triggers.ts';
import type { SteadfastStores } from './steadfast-stores.ts';

/** So often a checkpoint may fail, as where a task fails meanwhile, before the rescale does. */
const CHECKPOINT_ATTEMPTS = 5;
const NOT_YET_MS = 50;

export interface JobRescaleOptions {
  readonly stores: SteadfastStores;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  readonly record: JobRecordStore;
  readonly triggers: SnapshotTriggers;
  readonly random: Random;
  readonly logger: Logger;
  readonly slots: () => SlotsForJob;
  readonly host: RescaleHost;
}

/** A job that is loaded. */
export interface LoadedJob {
  readonly pointer: JobGraphPointer;
  readonly stored: StoredJob;
  readonly master: ManagedMaster;
}

export interface RescaleHost {
  /** Errors: JOB_SET_ASIDE, JOB_ENDED. */
  requireLoaded(): LoadedJob;
  /** This leadership still has the job, and this JobMaster. */
  isCurrent(master: ManagedMaster): boolean;
  /** Nothing of the graph before runs any more: loads the job with the new one. */
  switchedTo(pointer: JobGraphPointer, held: HeldSlots): Promise<void>;
}

/**
 * Another parallelism for a job that runs. In this order, so that whoever leads goes on from there (R7): the new graph as a file, the
 * intent, a checkpoint, the pointer to the new graph, the end of what runs, the record's graph version. Before the pointer the job is
 * the old one, from it on the new one.
 */
export class JobRescale {
  readonly #options: JobRescaleOptions;
  #isUnderWay = false;

  constructor(options: JobRescaleOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Resolves when it is certain to be tried, whoever leads. Errors: those of `rescaleTargets` and `JobStarter.rescaled`. */
  async start(requestId: string, request: RescaleRequest): Promise<void> {
    const job = this.#options.host.requireLoaded();
    if (this.#isUnderWay) {
      throw notNow(job, 'is being rescaled');
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#run(requestId, async () => {
      try {
        const intent = await this.#accept(requestId, job, request);
        resolve();
        return intent === undefined ? '' : await this.#carryOut(intent, job);
      } catch (thrown) {
        reject(thrown);
        throw thrown;
      }
    });
    await promise;
  }

  /** What a leader before this one had accepted. The job is loaded. */
  goOn(intent: JobIntent): void {
    if (this.#isUnderWay || intent.kind !== 'rescale') {
      return;
    }
    const job = this.#options.host.requireLoaded();
    if (intent.graphVersion <= job.pointer.graphVersion) {
      const settled = this.#settle(intent, intent.replacedPath);
      // It is done but for that: who repeats the request meanwhile, because its answer is lost, hears so (R7).
      this.#options.triggers.start(intent.requestId, () => settled.then(() => ''));
    } else {
      this.#run(intent.requestId, () => this.#carryOut(intent, job));
    }
  }

  #run(requestId: string, run: () => Promise<string>): void {
    this.#isUnderWay = true;
    this.#options.triggers.start(requestId, () =>
      run().finally(() => {
        this.#isUnderWay = false;
      }),
    );
  }

  /** Writes down what is wanted; `undefined`: the job is so already. */
  async #accept(requestId: string, job: LoadedJob, request: RescaleRequest): Promise<RescaleIntent | undefined> {
    const { starter, storage, record, slots } = this.#options;
    const { stored, pointer } = job;
    requireRescalable(stored.graph, stored.jobId);
    requireRunning(job);
    const { intent: before } = await record.read();
    if (before.kind !== 'run') {
      throw notNow(job, `is to ${before.kind}`);
    }
    const plan = await starter.rescaled(stored, rescaleTargets(stored.graph, request, slots()));
    if (plan.graph.fingerprint === stored.graph.fingerprint) {
      return undefined;
    }
    requireSlotsFor(plan.graph, slots());
    const graphVersion = stored.graphVersion + 1;
    const folder = storage.jobFolder(stored.jobId);
    const graphPath = await storage.jobGraphs.write(folder, { ...stored, ...plan, graphVersion });
    const replacedPath = pointer.graphPath;
    const intent: RescaleIntent = { kind: 'rescale', requestId, graphVersion, graphPath, replacedPath };
    await record.recordIntent(intent);
    return intent;
  }

  async #carryOut(intent: RescaleIntent, job: LoadedJob): Promise<string> {
    const { host } = this.#options;
    try {
      const { pointer, checkpoint } = await this.#switchOver(intent, job);
      await this.#settle(intent, intent.replacedPath);
      await host.switchedTo(pointer, job.master.heldSlots);
      return dirname(checkpoint.metadataPath);
    } catch (thrown) {
      if (host.isCurrent(job.master) && !isTerminal(job.master.status)) {
        await this.#settle(intent, intent.graphPath);
      }
      throw thrown;
    }
  }

  /** Resolves when nothing of the old graph runs any more, with the pointer to the new one. */
  async #switchOver(
    intent: RescaleIntent,
    { master, pointer: before }: LoadedJob,
  ): Promise<{ readonly pointer: JobGraphPointer; readonly checkpoint: CompletedCheckpoint }> {
    const { stores, record, random, logger, host } = this.#options;
    const { graphVersion, graphPath } = intent;
    const { jobId, jobName } = before;
    const checkpoint = await this.#checkpoint(master);
    await this.#requireWanted(intent);
    const pointer: JobGraphPointer = { ...before, graphVersion, graphPath, writeId: random.hex(32) };
    await stores.run(`point to the new graph of job ${jobId}`, () => stores.raw.jobGraphs.replace(pointer));
    logger.info(`Rescaling job ${jobName} (${jobId}) after checkpoint ${checkpoint.checkpointId}`);
    master.retire();
    const { status } = await master.result;
    if (!host.isCurrent(master)) {
      throw new MillraceError('NOT_LEADER', 'the next leader goes on with the rescale', { retryable: true });
    }
    if (status !== 'SUSPENDED') {
      throw new MillraceError('JOB_ENDED', `job ${jobId} ended ${status} before it could be rescaled`);
    }
    await record.recordGraphVersion(graphVersion);
    return { pointer, checkpoint };
  }

  async #checkpoint(master: ManagedMaster): Promise<CompletedCheckpoint> {
    const { stores, logger, host } = this.#options;
    for (let failed = 0; ;) {
      try {
        return await master.triggerCheckpoint();
      } catch (thrown) {
        const isEarly = codeOf(thrown) === 'JOB_ENDED' && thrown instanceof MillraceError && thrown.retryable;
        failed += isEarly ? 0 : 1;
        const mayPass = isEarly || codeOf(thrown) === 'CHECKPOINT_FAILED';
        if (!mayPass || failed >= CHECKPOINT_ATTEMPTS || !host.isCurrent(master) || isTerminal(master.status)) {
          throw thrown;
        }
        logger.debug(`A rescale waits for its checkpoint: ${messageOf(thrown)}`);
        await stores.pause(NOT_YET_MS);
      }
    }
  }

  /** A cancel takes its place at any time. */
  async #requireWanted({ requestId }: RescaleIntent): Promise<void> {
    const { intent } = await this.#options.record.read();
    if (intent.kind !== 'rescale' || intent.requestId !== requestId) {
      throw new MillraceError('JOB_ENDED', 'the job is being ended: it is not rescaled any more');
    }
  }

  /** It is done with, one way or the other: the graph that nothing points to goes. */
  async #settle({ requestId }: RescaleIntent, unusedPath: string): Promise<void> {
    const { record, storage, logger } = this.#options;
    try {
      await record.settleIntent(requestId);
      await storage.fs.delete(unusedPath);
    } catch (thrown) {
      logger.warn(`What a rescale leaves is left to the next leader: ${messageOf(thrown)}`);
    }
  }
}

const requireRunning = (job: LoadedJob): void => {
  const { status, overview } = job.master;
  if (status !== 'RUNNING') {
    // After a takeover it is known soon.
    throw notNow(job, `is ${status}`, status === 'INITIALIZING' || status === 'RECONCILING');
  }
  const waiting = overview.tasks.filter(({ state }) => state !== 'RUNNING' && state !== 'FINISHED').length;
  if (waiting > 0) {
    throw notNow(job, `has ${waiting} of its ${overview.tasks.length} tasks not running yet`, true);
  }
};

const notNow = ({ stored }: LoadedJob, what: string, retryable = false): MillraceError =>
  new MillraceError(
    'JOB_NOT_RUNNING',
    `job ${stored.jobId} (${stored.graph.name}) ${what}; only a job that runs is rescaled`,
    { retryable },
  );
