import type { CheckpointIdCounter } from '../coordination/checkpoint-id-counter.ts';
import { InMemoryCheckpointIdCounter } from '../coordination/none/checkpoint-id-counter.ts';
import { InMemoryCompletedCheckpointStore } from '../coordination/none/completed-checkpoint-store.ts';
import { InMemoryJobRecordStore } from '../coordination/none/job-record-store.ts';
import { errorInfo, messageOf, type ErrorInfo } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { LogFields, Logger, LogLevel } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { taskManagerOptions } from '../foundation/config/options/taskmanager-options.ts';
import { writeBundle } from '../interfaces/cli/bundle/bundle-file.ts';
import type { RunEvents, RunRequest } from '../interfaces/cli/job-run.ts';
import { collectLeftOvers } from '../runtime/checkpoint/collect-left-overs.ts';
import type { CompletedCheckpoint } from '../runtime/jobmanager/checkpoint-coordinator/completed-checkpoint.ts';
import { JobMaster } from '../runtime/jobmanager/jobmaster/job-master.ts';
import { FixedSlots, slotsNeeded } from '../runtime/jobmanager/scheduler/slot-table.ts';
import type { UserCodeOptions } from '../runtime/jobmanager/split-coordination/user-code-thread.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { TaskManager } from '../runtime/taskmanager/task-manager.ts';
import { BundleFolder } from './bundle-folder.ts';
import { ClaimedSnapshot } from './claimed-snapshot.ts';
import { hasOwnEnumerators } from './enumerator-factories.ts';
import { initialRestore, usedCheckpointIds } from './initial-restore.ts';
import type { FoundRestore } from './initial-restore.ts';
import { jobMasterSettings, userCodeInThread } from './job-master-settings.ts';
import { memoryLimitsOf, memoryWatchOf, threadSettingsOf, threadsFor } from './job-settings.ts';
import { ControlServer, requireNotRunning } from './local-control/control-server.ts';
import { runtimeFolder } from './local-control/runtime-folder.ts';
import { LocalJobRun } from './local-job-run.ts';
import { localPlaces, temporaryFolder } from './local-places.ts';
import type { LocalPlaces } from './local-places.ts';
import { loadJob } from './module-loader.ts';
import { planJob } from './plan-job.ts';
import type { PlannedJob } from './plan-job.ts';
import { runJobFile } from './run-job-file.ts';
import { startInlineUserCode } from './start-inline-user-code.ts';
import { startInlineThread } from './start-inline-thread.ts';
import { startWorkerThread } from './start-worker-thread.ts';

/** Starts one job on a cluster of its own in this process: one JobManager without HA, one TaskManager. */
export const startLocalRun = async (request: RunRequest, events: RunEvents): Promise<LocalJobRun> => {
  const temporary = temporaryFolder(request.configuration);
  const folder = await BundleFolder.make(temporary);
  try {
    const run = await startIn(folder, request, events);
    void BundleFolder.removeLeftOvers(temporary);
    return run;
  } catch (thrown) {
    await folder.remove();
    throw thrown;
  }
};

const startIn = async (folder: BundleFolder, request: RunRequest, events: RunEvents): Promise<LocalJobRun> => {
  const modulePath = await writeBundle(request.bundle, folder.path);
  const program: JobProgram = {
    modulePath,
    args: request.args,
    env: request.env ?? {},
    configuration: request.configuration.toRecord(),
  };
  const planned = await runJobFile(request.bundle.file, async () =>
    planJob(await loadJob(modulePath, request.bundle.file), program, { configuration: request.configuration }),
  );
  const { configuration } = planned;
  const jobId = (request.jobId ?? systemRandom.hex(32)) as JobId;
  if (request.jobId !== undefined) {
    // Two jobs of one id would write to the same places.
    await requireNotRunning(runtimeFolder(), jobId);
  }
  const places = await localPlaces({ configuration, graph: planned.translation.jobGraph }, jobId, request.inline);
  const found = await initialRestore(configuration, planned.translation.jobGraph);
  const checkpointIds = new InMemoryCheckpointIdCounter();
  await checkpointIds.raise(await usedCheckpointIds(places.checkpoints, jobId, found));
  if (places.checkpoints !== undefined && found?.snapshot.baseFolder === places.checkpoints) {
    await collectLeftOvers(places.checkpoints, loggerOf(events));
  }
  const claimed = found?.isClaimed === true ? claimedSnapshot(found, planned, places, events) : undefined;
  const taskManager = startTaskManager(planned, request, events);
  const jobMaster = startJobMaster({
    planned,
    inline: request.inline,
    program,
    jobId,
    places,
    found,
    checkpointIds,
    taskManager,
    events,
    checkpointCompleted: (checkpoint) => {
      claimed?.checkpointCompleted();
      events.checkpointCompleted?.(checkpoint.metadataPath);
    },
  });
  const notes: string[] = [];
  const run = new LocalJobRun({
    jobId,
    jobName: planned.translation.jobGraph.name,
    jobMaster,
    taskManager,
    savepointDir: places.savepoints,
    inline: request.inline,
    notes,
    startedFrom: found?.snapshot.folder,
    claimed,
    clock: systemClock,
    cleanUp: async () => {
      await taskManager.stop();
      await folder.remove();
    },
  });
  const warnings = planned.warnings.map((warning) => `WARN ${warning}`);
  const unreachable = request.isControllable === true ? await serveControl(run) : [];
  notes.push(...warnings, ...places.notes, ...(found?.notes ?? []), ...unreachable);
  return run;
};

/** A job that nobody can reach from outside runs all the same. */
const serveControl = async (run: LocalJobRun): Promise<readonly string[]> => {
  try {
    await ControlServer.start(run, runtimeFolder(), systemClock.now());
    return [];
  } catch (error) {
    return [`WARN millrace list, cancel, stop, savepoint and checkpoint do not reach this job: ${messageOf(error)}`];
  }
};

const claimedSnapshot = (
  { snapshot }: FoundRestore,
  { configuration }: PlannedJob,
  places: LocalPlaces,
  events: RunEvents,
): ClaimedSnapshot =>
  new ClaimedSnapshot({
    snapshot,
    ownFolder: places.checkpoints,
    numRetained: configuration.get(checkpointingOptions.numRetained),
    logger: loggerOf(events),
  });

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
      stuck: ({ message }) => (events.stuck === undefined ? events.log('error', message) : events.stuck(message)),
      console: ({ level, source, text }) => events.console(level, `${jobGraph.name} ${source}`.trimEnd(), text),
    },
    cancellationTimeoutMs: configuration.get(taskManagerOptions.cancellationTimeout),
    cancellationIntervalMs: configuration.get(taskManagerOptions.cancellationInterval),
    // Code in the calling thread cannot be ended apart from it.
    ...(request.inline ? {} : { memory: memoryWatchOf(limits) }),
  });
};

/** There is one, and it is never lost. */
const LOCAL_TASK_MANAGER = 'local';

interface JobMasterParts {
  readonly planned: PlannedJob;
  readonly inline: boolean;
  readonly program: JobProgram;
  readonly jobId: JobId;
  readonly places: LocalPlaces;
  readonly found: FoundRestore | undefined;
  readonly checkpointIds: CheckpointIdCounter;
  readonly taskManager: TaskManager;
  readonly events: RunEvents;
  readonly checkpointCompleted: (checkpoint: CompletedCheckpoint) => void;
}

const startJobMaster = (parts: JobMasterParts): JobMaster => {
  const { planned, jobId, places, taskManager, found, program } = parts;
  const { configuration } = planned;
  const graph = planned.translation.jobGraph;
  const jobMaster = new JobMaster({
    ...jobMasterSettings({
      jobId,
      graph,
      program,
      configuration,
      checkpointFolder: places.checkpoints,
      logger: loggerOf(parts.events),
    }),
    graphVersion: 1,
    // Without HA the lineage is new at each start, and nobody else ever leads. The epoch is above that of the snapshot, so
    // that no generation comes twice where a job goes on under its old id.
    fence: { lineage: systemRandom.hex(32), epoch: 1 + (found?.snapshot.metadata.generation.epoch ?? 0) },
    slots: new FixedSlots(graph, LOCAL_TASK_MANAGER, taskManager.slots),
    executors: () => taskManager,
    reconcileTimeoutMs: 0,
    checkpoints: new InMemoryCompletedCheckpointStore(),
    checkpointIds: parts.checkpointIds,
    records: new InMemoryJobRecordStore(),
    userCode: userCodeOf(parts),
    restore: found?.restore,
    listener: { checkpointCompleted: parts.checkpointCompleted },
  });
  taskManager.register(jobMaster);
  jobMaster.start();
  return jobMaster;
};

const userCodeOf = ({ planned, program, inline, events }: JobMasterParts): UserCodeOptions | undefined => {
  const { translation, configuration } = planned;
  const graph = translation.jobGraph;
  if (inline && hasOwnEnumerators(graph)) {
    return { start: startInlineUserCode(translation), timeoutMs: Infinity };
  }
  return userCodeInThread({ graph, program, configuration }, ({ level, source, text }) =>
    events.console(level, `${graph.name} ${source}`, text),
  );
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
