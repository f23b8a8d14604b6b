import { describeWaiting } from '../runtime/jobmanager/resource-manager/describe-waiting.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import type {
  CheckpointCounts,
  CheckpointInfo,
  ClusterGateway as RestGateway,
  JobDetails as RestJobDetails,
  JobFailureInfo,
  JobListEntry,
  JobSubmission,
  TaskManagerInfo,
} from '../interfaces/rest/cluster-gateway.ts';
import type {
  SavepointRequest,
  SnapshotStatus,
  SnapshotTrigger,
  StopRequest,
} from '../runtime/protocol/snapshot-requests.ts';
import type { RescaleRequest, VertexParallelism } from '../runtime/protocol/rescale-request.ts';
import type { Reachability } from '../runtime/protocol/reachability.ts';
import type { Standbys } from '../runtime/protocol/standbys.ts';
import type { ClusterGateway, JobDetails, JobSummary } from '../runtime/jobmanager/dispatcher/cluster-gateway.ts';

type CheckpointStatistics = NonNullable<NonNullable<JobDetails['overview']>['checkpoints']>;
type CheckpointSummary = NonNullable<CheckpointStatistics['latestCompleted']>;

/** What the JobManager of this process tells clients, in the words of the REST endpoint. */
export class JobManagerRestGateway implements RestGateway {
  readonly #cluster: ClusterGateway;
  readonly #configuration: Configuration;

  constructor(cluster: ClusterGateway, configuration: Configuration) {
    this.#cluster = cluster;
    this.#configuration = configuration;
  }

  get leadership(): RestGateway['leadership'] {
    const leadership = this.#cluster.leader?.leadership;
    return { sessionId: leadership?.sessionId ?? '', epoch: leadership?.epoch ?? 0 };
  }

  async submit({ bundle, ...submission }: JobSubmission): Promise<{ readonly notes: readonly string[] }> {
    return this.#cluster.submit({ ...submission, bundle: Buffer.from(bundle.code, 'utf8') });
  }

  async list(): Promise<readonly JobListEntry[]> {
    return (await this.#cluster.list()).map(listEntry);
  }

  async details(jobId: JobId): Promise<RestJobDetails> {
    return jobDetails(await this.#cluster.details(jobId));
  }

  cancel(jobId: JobId): Promise<void> {
    return this.#cluster.cancel(jobId);
  }

  stop(jobId: JobId, request: StopRequest): Promise<{ readonly triggerId: string }> {
    return this.#cluster.stop(jobId, request);
  }

  savepoint(jobId: JobId, request: SavepointRequest): Promise<{ readonly triggerId: string }> {
    return this.#cluster.savepoint(jobId, request);
  }

  checkpoint(jobId: JobId, request: SnapshotTrigger): Promise<{ readonly triggerId: string }> {
    return this.#cluster.checkpoint(jobId, request);
  }

  rescale(jobId: JobId, request: RescaleRequest): Promise<{ readonly triggerId: string }> {
    return this.#cluster.rescale(jobId, request);
  }

  parallelism(jobId: JobId): Promise<readonly VertexParallelism[]> {
    return this.#cluster.parallelism(jobId);
  }

  async snapshotStatus(jobId: JobId, triggerId: string): Promise<SnapshotStatus> {
    const status = await this.#cluster.snapshotStatus(jobId, triggerId);
    return status.state === 'completed' ? { ...status, location: folderOf(status.location) } : status;
  }

  retry(jobId: JobId): Promise<void> {
    return this.#cluster.retry(jobId);
  }

  disposeSavepoint(path: string): Promise<void> {
    return this.#cluster.disposeSavepoint(path);
  }

  /** Those that can be reached now. */
  async taskManagers(): Promise<readonly TaskManagerInfo[]> {
    const { slots } = await this.#cluster.overview();
    return slots.taskManagers
      .filter(({ isAway }) => !isAway)
      .map(({ resourceId, slots: count, free }) => ({ resourceId, slots: count, freeSlots: free }));
  }

  standbys(): Promise<Standbys> {
    return this.#cluster.standbys();
  }

  reachability(): Promise<Reachability> {
    return this.#cluster.reachability();
  }

  configuration(): Readonly<Record<string, string>> {
    return this.#configuration.toRecord();
  }

  suspend(): Promise<void> {
    return this.#cluster.suspend();
  }

  shutDown(): Promise<void> {
    return Promise.reject(
      new MillraceError(
        'UNSUPPORTED',
        'a JobManager does not end the processes of its cluster; "millrace cluster stop" does, or whatever started them',
      ),
    );
  }
}

/** Snapshots are named by their folder; the metadata file names one too. */
const folderOf = (path: string): string => path.replace(/\/_metadata$/, '');

const listEntry = (summary: JobSummary): JobListEntry => {
  const { jobId, name, submittedMs, endedMs, tasks } = summary;
  return {
    jobId,
    name,
    status: statusOf(summary),
    startedMs: submittedMs ?? endedMs ?? 0,
    endedMs,
    taskCounts: { RUNNING: tasks.running, CREATED: tasks.total - tasks.running },
    waiting: waitingText(summary),
  };
};

/** A job that waits for its first slots is CREATED to clients, as where Flink's scheduler is the adaptive one. */
const statusOf = ({ state, waiting, tasks }: JobSummary): JobListEntry['status'] => {
  if (state === 'SET_ASIDE') {
    // Flink has no word for a job that waits until its files are mended.
    return 'SUSPENDED';
  }
  return state === 'RUNNING' && waiting !== undefined && tasks.running === 0 ? 'CREATED' : state;
};

const jobDetails = (details: JobDetails): RestJobDetails => {
  const { overview, savepoint, restarts } = details;
  const entry = listEntry(details);
  return {
    ...entry,
    graph: undefined,
    tasks: (overview?.tasks ?? []).map((task) => ({ ...task, taskManager: undefined })),
    restarts,
    timestamps: { CREATED: entry.startedMs },
    checkpoints: overview?.checkpoints === undefined ? undefined : checkpointCounts(overview.checkpoints),
    failures: failuresOf(details),
    notes: details.notes,
    savepoint,
    retainedCheckpoint: undefined,
  };
};

const waitingText = ({ state, jobId, setAside, waiting }: JobSummary): string | undefined => {
  if (state === 'SET_ASIDE') {
    const reason = setAside?.message ?? 'its files cannot be used';
    return `it is set aside: ${reason}; when that is mended "millrace retry ${jobId}" tries it again`;
  }
  return waiting === undefined ? undefined : describeWaiting(waiting);
};

/** When it failed is not kept; the end of the job is the nearest that is known. */
const failuresOf = ({ error, endedMs, submittedMs }: JobDetails): readonly JobFailureInfo[] =>
  error === undefined ? [] : [{ atMs: endedMs ?? submittedMs ?? 0, error, task: undefined, taskManager: undefined }];

const checkpointCounts = (statistics: CheckpointStatistics): CheckpointCounts => {
  const { latestCompleted, latestSavepoint } = statistics;
  return {
    triggered: statistics.triggered,
    completed: statistics.completed,
    failed: statistics.failed,
    inProgress: statistics.inProgress,
    latestCompleted: latestCompleted === undefined ? undefined : checkpointInfo(latestCompleted),
    latestSavepoint: latestSavepoint === undefined ? undefined : checkpointInfo(latestSavepoint),
    latestFailure: statistics.latestFailure,
    restored: statistics.restored,
  };
};

const checkpointInfo = (summary: CheckpointSummary): CheckpointInfo => ({ ...summary, path: folderOf(summary.path) });
