import type { JobId } from '../../src/foundation/common/ids.ts';
import type { StoredJob } from '../../src/coordination/storage/job-graph-files.ts';
import type { Location } from '../../src/foundation/filesystem/file-systems.ts';
import { staticSplitsEnumerator } from '../../src/pipeline/connectors/static-splits-enumerator.ts';
import { readCheckpoint } from '../../src/runtime/checkpoint/read-checkpoint.ts';
import { FileCheckpointStorage } from '../../src/runtime/jobmanager/checkpoint-coordinator/file-checkpoint-storage.ts';
import type {
  JobStarter,
  JobSurroundings,
  PreparedJob,
  RescaledPlan,
  RescaleTargets,
} from '../../src/runtime/jobmanager/dispatcher/job-starter.ts';
import type { InitialRestore } from '../../src/runtime/jobmanager/jobmaster/job-master-options.ts';
import { JobMaster } from '../../src/runtime/jobmanager/jobmaster/job-master.ts';
import {
  EXPONENTIAL_DELAY_DEFAULTS,
  type RestartStrategyOptions,
} from '../../src/runtime/jobmanager/failover/restart-strategy.ts';
import { rescaledGraph } from '../../src/runtime/jobmanager/test-support/test-graph.ts';
import type { ProcessParts } from '../../src/runtime/jobmanager/test-support/cluster-world.ts';

const LONG_MS = 60_000;
const RESTART_DELAY_MS = 20;
const VERY_OFTEN: RestartStrategyOptions = { kind: 'fixed-delay', attempts: 1_000_000, delayMs: RESTART_DELAY_MS };

const RESTORE = 'restore';
const ALLOW_OLDER = 'allow-older';
/** At once first, so that what fails starts again while writes of its checkpoint are under way; then as jobs of users do. */
export const AS_OF_USERS: RestartStrategyOptions = {
  kind: 'exponential-delay',
  ...EXPONENTIAL_DELAY_DEFAULTS,
  resetBackoffThresholdMs: 3_000,
};

/** How often it starts again; as its world has it when missing. */
const RESTARTS = 'restarts';
const OWN_SETTINGS = [RESTORE, ALLOW_OLDER, RESTARTS];

export const modulePathOf = (jobId: JobId): string => `/${jobId}.js`;

/** Of what a job was submitted with, that which shapes its graph. */
export const builderSettings = (configuration: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(configuration).filter(([key]) => !OWN_SETTINGS.includes(key)));

/** Draws a job with another parallelism. */
type Redraw = (job: StoredJob, targets: RescaleTargets) => RescaledPlan;

/** Real JobMasters; what they know of files is the process's own view of the shared disk. */
export class SimulatedJobStarter implements JobStarter {
  readonly masters = new Map<JobId, JobMaster>();
  readonly #parts: ProcessParts;
  readonly #redraw: Redraw;
  readonly #restartStrategy: RestartStrategyOptions;

  constructor(parts: ProcessParts, redraw: Redraw = drawnAsTest, restartStrategy: RestartStrategyOptions = VERY_OFTEN) {
    this.#parts = parts;
    this.#redraw = redraw;
    this.#restartStrategy = restartStrategy;
  }

  check(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async prepare(job: StoredJob, surroundings: JobSurroundings): Promise<PreparedJob> {
    const { clock, random, logger } = this.#parts;
    const { jobId, graph, configuration } = job;
    const checkpointFolder = `/checkpoints/${jobId}`;
    const storage = new FileCheckpointStorage({
      jobId,
      checkpointFolder,
      inlineThresholdBytes: 0,
      logger,
      random,
      locate: this.#locate,
    });
    const completed = (await surroundings.checkpoints.all()).length;
    const restore = completed === 0 ? await this.#restoreOf(configuration[RESTORE]) : undefined;
    const restarts = configuration[RESTARTS];
    const master = new JobMaster({
      ...surroundings,
      jobId,
      graph,
      graphVersion: job.graphVersion,
      program: { modulePath: modulePathOf(jobId), args: [], env: {}, configuration: builderSettings(configuration) },
      reconcileTimeoutMs: LONG_MS,
      clock,
      random,
      logger,
      storage,
      checkpointFolder,
      restore,
      allowOlderCheckpoint: configuration[ALLOW_OLDER] === 'true',
      enumerators: [staticSplitsEnumerator],
      userCode: undefined,
      restartStrategy:
        restarts === undefined
          ? this.#restartStrategy
          : { kind: 'fixed-delay', attempts: Number(restarts), delayMs: RESTART_DELAY_MS },
      failover: 'region',
    });
    this.masters.set(jobId, master);
    return {
      master,
      savepointDirectory: '/savepoints',
      notes: [],
      checkpointsToDelete: () => checkpointFolder,
      close: () => Promise.resolve(),
    };
  }

  async rescaled(job: StoredJob, targets: RescaleTargets): Promise<RescaledPlan> {
    const plan = this.#redraw(job, targets);
    return { ...plan, configuration: { ...job.configuration, ...plan.configuration } };
  }

  anticipate(): Promise<void> {
    return Promise.resolve();
  }

  async #restoreOf(folder: string | undefined): Promise<InitialRestore | undefined> {
    if (folder === undefined) {
      return undefined;
    }
    const { metadata, baseFolder, metadataFile } = await readCheckpoint(folder, { locate: this.#locate });
    return { metadata, baseFolder, metadataPath: metadataFile, allowNonRestoredState: false };
  }

  readonly #locate = (uri: string): Location => ({ fs: this.#parts.fs, path: uri.replace(/^memory:\/\//, '') });
}

const drawnAsTest: Redraw = ({ graph, configuration }, targets) => ({
  graph: rescaledGraph(graph, targets),
  configuration,
});
