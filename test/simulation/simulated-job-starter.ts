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
import { rescaledGraph } from '../../src/runtime/jobmanager/test-support/test-graph.ts';
import type { ProcessParts } from '../../src/runtime/jobmanager/test-support/cluster-world.ts';

const LONG_MS = 60_000;

/** Real JobMasters; what they know of files is the process's own view of the shared disk. */
export class SimulatedJobStarter implements JobStarter {
  readonly masters = new Map<JobId, JobMaster>();
  readonly #parts: ProcessParts;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
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
    const restore = completed === 0 ? await this.#restoreOf(configuration['restore']) : undefined;
    const master = new JobMaster({
      ...surroundings,
      jobId,
      graph,
      graphVersion: job.graphVersion,
      program: { modulePath: `/${jobId}.js`, args: [], env: {}, configuration: {} },
      reconcileTimeoutMs: LONG_MS,
      clock,
      random,
      logger,
      storage,
      checkpointFolder,
      restore,
      allowOlderCheckpoint: configuration['allow-older'] === 'true',
      enumerators: [staticSplitsEnumerator],
      userCode: undefined,
      restartStrategy: { kind: 'fixed-delay', attempts: 100, delayMs: 20 },
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

  rescaled({ graph, configuration }: StoredJob, targets: RescaleTargets): Promise<RescaledPlan> {
    return Promise.resolve({ graph: rescaledGraph(graph, targets), configuration });
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
