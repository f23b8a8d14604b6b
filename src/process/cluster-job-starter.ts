import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import type { StoredJob } from '../coordination/storage/job-graph-files.ts';
import { bundleHashOf } from '../coordination/storage/storage-layout.ts';
import { present } from '../foundation/common/assert.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { Logger } from '../foundation/common/logger.ts';
import { ReadAhead } from '../foundation/common/read-ahead.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { clusterOptions } from '../foundation/config/options/cluster-options.ts';
import { jobManagerOptions } from '../foundation/config/options/jobmanager-options.ts';
import { bundleFileName, writeBundle } from '../interfaces/cli/bundle/bundle-file.ts';
import type { CheckpointMetadata } from '../runtime/checkpoint/metadata.ts';
import {
  metadataKey,
  readPointedMetadata,
} from '../runtime/jobmanager/checkpoint-coordinator/file-checkpoint-storage.ts';
import { keepsCheckpoints } from '../runtime/jobmanager/jobmaster/checkpoint-retention.ts';
import { JobMaster } from '../runtime/jobmanager/jobmaster/job-master.ts';
import type {
  AnticipatedJob,
  JobStarter,
  JobSurroundings,
  PreparedJob,
  RescaledPlan,
  RescaleTargets,
} from '../runtime/jobmanager/dispatcher/job-starter.ts';
import { ExecutionGraph } from '../runtime/jobmanager/scheduler/execution-graph.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { ClaimedSnapshot } from './claimed-snapshot.ts';
import { initialRestore, usedCheckpointIds, type FoundRestore } from './initial-restore.ts';
import { jobMasterSettings, userCodeInThread } from './job-master-settings.ts';
import { userCodeLimitsOf } from './job-settings.ts';
import { localPlaces, placesOf, type DefaultPlaces } from './local-places.ts';
import { planInThread } from './plan-in-thread.ts';
import { survivalNotes } from './survival-notes.ts';

export interface ClusterJobStarterOptions {
  readonly storage: ClusterStorage;
  /** Of the cluster: what a job does not set. */
  readonly configuration: Configuration;
  /** Where snapshots go when nobody says it. */
  readonly places: DefaultPlaces;
  readonly logger: Logger;
  /** For bundles whose storage is no folder of this machine. */
  readonly localFolder: string;
}

/** JobMasters of submitted jobs. The builder has run at the client; here user code runs in the job's own thread only (R13). */
export class ClusterJobStarter implements JobStarter {
  readonly #options: ClusterJobStarterOptions;
  /** Paths of programs that are there and whole. */
  readonly #programs = new ReadAhead<string>(PROGRAMS_AHEAD_MAX);
  readonly #metadata = new ReadAhead<CheckpointMetadata>(METADATA_AHEAD_MAX);

  constructor(options: ClusterJobStarterOptions) {
    this.#options = options;
  }

  async check(job: StoredJob): Promise<readonly string[]> {
    const configuration = this.#configurationOf(job);
    const { graph, jobId } = job;
    void new ExecutionGraph(graph);
    const places = await localPlaces({ configuration, graph }, jobId, false, this.#options.places);
    const found = await initialRestore(configuration, graph);
    await usedCheckpointIds(places.checkpoints, jobId, found);
    // Without checkpoints there is more to say than that there are none.
    const kept = places.checkpoints === undefined ? [] : places.notes;
    return [...kept, ...survivalNotes(configuration, graph), ...(found?.notes ?? [])];
  }

  async prepare(job: StoredJob, surroundings: JobSurroundings): Promise<PreparedJob> {
    const { logger, places: defaults } = this.#options;
    const { jobId, graph } = job;
    const configuration = this.#configurationOf(job);
    const places = placesOf({ configuration, graph }, jobId, defaults);
    const program = await this.#programOf(job);
    const completed = (await surroundings.checkpoints.all()).length;
    const found = await this.#foundRestore(configuration, job, completed > 0);
    if (found?.isClaimed === true && found.snapshot.metadata.jobId === jobId) {
      await surroundings.checkpointIds.raise(await usedCheckpointIds(places.checkpoints, jobId, found));
    }
    const claimed = found?.isClaimed === true ? this.#claimed(found, configuration, places.checkpoints) : undefined;
    for (let counted = 0; counted < completed; counted++) {
      claimed?.checkpointCompleted();
    }
    const settings = {
      jobId,
      graph,
      program,
      configuration,
      checkpointFolder: places.checkpoints,
      logger,
      ahead: this.#metadata,
    };
    const userCode = userCodeInThread(settings, ({ level, source, text }) =>
      logger[level](`${graph.name} ${source}: ${text}`),
    );
    const master = new JobMaster({
      ...jobMasterSettings(settings),
      ...surroundings,
      graphVersion: job.graphVersion,
      reconcileTimeoutMs: this.#options.configuration.get(clusterOptions.reconcileTimeout),
      userCode,
      restore: completed === 0 ? found?.restore : undefined,
      listener: {
        ...surroundings.listener,
        checkpointCompleted: (checkpoint) => {
          claimed?.checkpointCompleted();
          surroundings.listener?.checkpointCompleted?.(checkpoint);
        },
      },
    });
    const retention = graph.checkpointing?.retention ?? 'NO_EXTERNALIZED_CHECKPOINTS';
    return {
      master,
      notes: survivalNotes(configuration, graph),
      savepointDirectory: places.savepoints,
      checkpointsToDelete: (status) => (keepsCheckpoints(status, retention) ? undefined : places.checkpoints),
      close: async ({ status }) => {
        if (status !== 'SUSPENDED') {
          await claimed?.ended(status === 'FINISHED');
        }
      },
    };
  }

  async rescaled(job: StoredJob, targets: RescaleTargets): Promise<RescaledPlan> {
    const configuration = this.#configurationOf(job);
    const plan = await planInThread(
      { program: await this.#programOf(job), targets },
      {
        heapBytes: userCodeLimitsOf(configuration).heapBytes,
        timeoutMs: configuration.get(jobManagerOptions.userCodeTimeout),
        clock: systemClock,
      },
    );
    void new ExecutionGraph(plan.graph);
    return plan;
  }

  async anticipate(jobs: readonly AnticipatedJob[]): Promise<void> {
    const programs = jobs.flatMap(({ pointer: { jobId, bundlePaths } }) =>
      bundlePaths.slice(0, 1).map((path) => {
        const hash = bundleHashOf(path);
        return [programKey(jobId, hash), () => this.#programPath(jobId, hash)] as const;
      }),
    );
    await this.#programs.keep(new Map(programs));
    const metadata = jobs.flatMap(({ checkpoints }) =>
      checkpoints.map((pointer) => [metadataKey(pointer), () => readPointedMetadata(pointer)] as const),
    );
    await this.#metadata.keep(new Map(metadata));
  }

  /** Where the job has checkpoints of its own, what it was started from only matters if it is still to be deleted (CLAIM). */
  async #foundRestore(
    configuration: Configuration,
    { graph }: StoredJob,
    hasCheckpoints: boolean,
  ): Promise<FoundRestore | undefined> {
    try {
      return await initialRestore(configuration, graph);
    } catch (thrown) {
      if (hasCheckpoints) {
        return undefined;
      }
      throw thrown;
    }
  }

  #claimed({ snapshot }: FoundRestore, configuration: Configuration, ownFolder: string | undefined): ClaimedSnapshot {
    const numRetained = configuration.get(checkpointingOptions.numRetained);
    return new ClaimedSnapshot({ snapshot, ownFolder, numRetained, logger: this.#options.logger });
  }

  #configurationOf({ configuration, graph }: StoredJob): Configuration {
    return this.#options.configuration.with(configuration, 'the job').with(graph.settings, 'the job');
  }

  async #programOf({ jobId, bundles, args, env, configuration }: StoredJob): Promise<JobProgram> {
    const hash = present(bundles[0], 'bundle of the job');
    const ahead = this.#programs.take(programKey(jobId, hash));
    return { modulePath: ahead ?? (await this.#programPath(jobId, hash)), args, env, configuration };
  }

  /** The bundle as a module that every process of the cluster imports from the folder that they share. */
  async #programPath(jobId: JobId, hash: string): Promise<string> {
    const { storage, localFolder } = this.#options;
    const bytes = await storage.bundles.read(storage.jobFolder(jobId), hash);
    const folder = storage.fs.scheme === 'file' ? storage.jobFolder(jobId) : localFolder;
    const path = join(folder, bundleFileName(hash));
    const there = await readFile(path).catch(() => undefined);
    if (there === undefined || sha256(there) !== hash) {
      await writeBundle({ code: Buffer.from(bytes).toString('utf8'), hash }, folder);
    }
    return path;
  }
}

/** What a standby keeps in memory. */
const PROGRAMS_AHEAD_MAX = 10_000;
const METADATA_AHEAD_MAX = 10_000;

const programKey = (jobId: JobId, hash: string): string => `${jobId}/${hash}`;

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
