import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InMemoryCheckpointIdCounter } from '../coordination/none/checkpoint-id-counter.ts';
import { InMemoryCompletedCheckpointStore } from '../coordination/none/completed-checkpoint-store.ts';
import { InMemoryJobRecordStore } from '../coordination/none/job-record-store.ts';
import { errorInfo, type ErrorInfo } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { LogFields, Logger, LogLevel } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { processOptions } from '../foundation/config/options/process-options.ts';
import { restartOptions } from '../foundation/config/options/restart-options.ts';
import { taskManagerOptions } from '../foundation/config/options/taskmanager-options.ts';
import { probeWritable } from '../foundation/filesystem/file-systems.ts';
import { writeBundle } from '../interfaces/cli/bundle/bundle-file.ts';
import type { RunEvents, RunRequest } from '../interfaces/cli/job-run.ts';
import { fileEnumerator } from '../pipeline/connectors/file/file-enumerator.ts';
import { staticSplitsEnumerator } from '../pipeline/connectors/static-splits-enumerator.ts';
import { jobCheckpointFolder } from '../runtime/checkpoint/checkpoint-layout.ts';
import { FileCheckpointStorage } from '../runtime/jobmanager/checkpoint-coordinator/file-checkpoint-storage.ts';
import { JobMaster } from '../runtime/jobmanager/jobmaster/job-master.ts';
import { slotsNeeded } from '../runtime/jobmanager/scheduler/slot-assignment.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { TaskManager } from '../runtime/taskmanager/task-manager.ts';
import { initialRestore } from './initial-restore.ts';
import { restartStrategyOf, memoryLimitsOf, memoryWatchOf, threadSettingsOf, threadsFor } from './job-settings.ts';
import { LocalJobRun } from './local-job-run.ts';
import { loadJob } from './module-loader.ts';
import { planJob } from './plan-job.ts';
import type { PlannedJob } from './plan-job.ts';
import { startInlineThread } from './start-inline-thread.ts';
import { startWorkerThread } from './start-worker-thread.ts';

/** Where snapshots go when nobody says it: named at the start, never nowhere. */
const DEFAULT_CHECKPOINT_DIR = '.millrace/checkpoints';
const DEFAULT_SAVEPOINT_DIR = '.millrace/savepoints';
const ENUMERATORS = [staticSplitsEnumerator, fileEnumerator];

/** Starts one job on a cluster of its own in this process: one JobManager without HA, one TaskManager. */
export const startLocalRun = async (request: RunRequest, events: RunEvents): Promise<LocalJobRun> => {
  const folder = await mkdtemp(join(temporaryFolder(request.configuration), 'millrace-'));
  try {
    return await startIn(folder, request, events);
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
};

const startIn = async (folder: string, request: RunRequest, events: RunEvents): Promise<LocalJobRun> => {
  const modulePath = await writeBundle(request.bundle, folder);
  const program: JobProgram = {
    modulePath,
    args: request.args,
    env: request.env ?? {},
    configuration: request.configuration.toRecord(),
  };
  const planned = planJob(await loadJob(modulePath, request.bundle.file), program, {
    configuration: request.configuration,
  });
  const { configuration } = planned;
  const jobId = (request.jobId ?? systemRandom.hex(32)) as JobId;
  const places = await placesOf(planned, jobId);
  const restore = await initialRestore(configuration);
  const taskManager = startTaskManager(planned, request, events);
  const jobMaster = startJobMaster({ planned, program, jobId, places, restore: restore?.restore, taskManager, events });
  return new LocalJobRun({
    jobId,
    jobName: planned.translation.jobGraph.name,
    jobMaster,
    taskManager,
    savepointDir: places.savepoints,
    notes: [...planned.warnings.map((warning) => `WARN ${warning}`), ...places.notes, ...(restore?.notes ?? [])],
    clock: systemClock,
    cleanUp: async () => {
      await taskManager.stop();
      await rm(folder, { recursive: true, force: true });
    },
  });
};

interface Places {
  /** `<checkpoints.dir>/<job id>`. */
  readonly checkpoints: string | undefined;
  readonly savepoints: string;
  readonly notes: readonly string[];
}

const placesOf = async ({ configuration, translation }: PlannedJob, jobId: JobId): Promise<Places> => {
  const savepoints = absolute(configuration.get(checkpointingOptions.savepointDirectory) ?? DEFAULT_SAVEPOINT_DIR);
  if (translation.jobGraph.checkpointing === undefined) {
    const notes = ['Checkpointing is off: a failure or a stop loses what the job computed (env.enableCheckpointing)'];
    return { checkpoints: undefined, savepoints, notes };
  }
  const directory = absolute(configuration.get(checkpointingOptions.directory) ?? DEFAULT_CHECKPOINT_DIR);
  await probeWritable(directory, checkpointingOptions.directory.key);
  const checkpoints = jobCheckpointFolder(directory, jobId);
  return { checkpoints, savepoints, notes: [`Checkpoints go to ${checkpoints}`] };
};

/** URIs stay as they are; paths become absolute, for threads and later processes. */
const absolute = (place: string): string => (/^[a-z][a-z0-9+.-]*:/i.test(place) ? place : resolve(place));

const temporaryFolder = (configuration: Configuration): string =>
  configuration.get(processOptions.temporaryFolders)?.[0] ?? tmpdir();

const startTaskManager = (
  { configuration, translation }: PlannedJob,
  request: RunRequest,
  events: RunEvents,
): TaskManager => {
  const { jobGraph } = translation;
  const slots = [...slotsNeeded(jobGraph).values()].reduce((sum, needed) => sum + needed, 0);
  const threads = request.inline ? 1 : threadsFor(slots);
  const settings = threadSettingsOf(configuration, jobGraph.checkpointing);
  const limits = memoryLimitsOf(configuration, threads);
  return new TaskManager({
    slots,
    threads,
    startThread: request.inline
      ? startInlineThread(settings)
      : startWorkerThread({ settings, heapLimitBytes: limits.heapBytes }),
    clock: systemClock,
    logger: loggerOf(events),
    events: {
      client: (_jobId, channel, payload) => {
        if (channel === 'stdout') {
          return events.printed(String(payload));
        }
        return events.collected?.(channel, payload);
      },
      console: ({ level, source, text }) => events.console(level, `${jobGraph.name} ${source}`.trimEnd(), text),
    },
    cancellationTimeoutMs: configuration.get(taskManagerOptions.cancellationTimeout),
    cancellationIntervalMs: configuration.get(taskManagerOptions.cancellationInterval),
    // Code in the calling thread cannot be ended apart from it.
    ...(request.inline ? {} : { memory: memoryWatchOf(limits) }),
  });
};

const startJobMaster = (parts: {
  readonly planned: PlannedJob;
  readonly program: JobProgram;
  readonly jobId: JobId;
  readonly places: Places;
  readonly restore: ConstructorParameters<typeof JobMaster>[0]['restore'];
  readonly taskManager: TaskManager;
  readonly events: RunEvents;
}): JobMaster => {
  const { planned, jobId, places, taskManager } = parts;
  const { configuration } = planned;
  const graph = planned.translation.jobGraph;
  const logger = loggerOf(parts.events);
  const jobMaster = new JobMaster({
    jobId,
    graph,
    graphVersion: 1,
    program: parts.program,
    // Without HA the lineage is new at each start, and nobody else ever leads.
    fence: { lineage: systemRandom.hex(32), epoch: 1 },
    slots: Array.from({ length: taskManager.slots }, (_, slot) => slot),
    gateway: taskManager,
    clock: systemClock,
    random: systemRandom,
    logger,
    storage: new FileCheckpointStorage({
      jobId,
      checkpointFolder: places.checkpoints,
      inlineThresholdBytes: threadSettingsOf(configuration, graph.checkpointing).inlineThresholdBytes,
      logger,
      random: systemRandom,
    }),
    checkpointFolder: places.checkpoints,
    checkpoints: new InMemoryCompletedCheckpointStore(),
    checkpointIds: new InMemoryCheckpointIdCounter(),
    records: new InMemoryJobRecordStore(),
    enumerators: ENUMERATORS,
    restore: parts.restore,
    restartStrategy: restartStrategyOf(configuration),
    failover: configuration.get(restartOptions.failoverStrategy) === 'full' ? 'full' : 'region',
    listener: { checkpointCompleted: (checkpoint) => parts.events.checkpointCompleted?.(checkpoint.metadataPath) },
  });
  taskManager.register(jobMaster);
  jobMaster.start();
  return jobMaster;
};

const loggerOf = (events: RunEvents): Logger => {
  const log = (level: LogLevel) => (message: string, fields?: LogFields) =>
    events.log(level, message, errorOf(fields?.['error']));
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
};

/** Parts of the engine log errors as they have them: thrown, or as data from a thread. */
const errorOf = (logged: unknown): ErrorInfo | undefined =>
  logged instanceof Error
    ? errorInfo(logged)
    : typeof logged === 'object' && logged !== null && 'message' in logged && 'name' in logged
      ? (logged as ErrorInfo)
      : undefined;
