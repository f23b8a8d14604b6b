import { errorInfo, MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { systemRandom } from '../../../foundation/common/system-random.ts';
import type {
  CheckpointInfo,
  ClusterGateway,
  JobDetails,
  JobListEntry,
  JobSubmission,
  TaskManagerInfo,
} from '../cluster-gateway.ts';
import type {
  SavepointRequest,
  SnapshotStatus,
  SnapshotTrigger,
  StopRequest,
} from '../../../runtime/protocol/snapshot-requests.ts';
import type { RescaleRequest, VertexParallelism } from '../../../runtime/protocol/rescale-request.ts';
import type { Reachability } from '../../../runtime/protocol/reachability.ts';
import type { Standbys } from '../../../runtime/protocol/standbys.ts';
import { RestServer, type RestServerOptions } from '../rest-server.ts';
import { hasEnded } from '../schema/job-state.ts';

export const RUNNING_JOB = '00000000000000000000000000000001' as JobId;
export const FINISHED_JOB = '00000000000000000000000000000002' as JobId;
export const FAILED_JOB = '00000000000000000000000000000003' as JobId;
export const UNKNOWN_JOB = 'ffffffffffffffffffffffffffffffff' as JobId;

const vertexId = (digit: string): string => digit.repeat(32);

export const GRAPH = {
  name: 'words',
  fingerprint: 'f'.repeat(64),
  vertices: [
    {
      id: vertexId('a'),
      name: 'source',
      parallelism: 1,
      maxParallelism: 128,
      slotSharingGroup: 'default',
      operators: [{ id: vertexId('a'), name: 'source', kind: 'source', stateful: true }],
    },
    {
      id: vertexId('b'),
      name: 'sum',
      parallelism: 2,
      maxParallelism: 128,
      slotSharingGroup: 'default',
      operators: [{ id: vertexId('b'), name: 'sum', kind: 'reduce', stateful: true }],
    },
  ],
  edges: [
    {
      index: 0,
      from: vertexId('a'),
      fromOperator: vertexId('a'),
      to: vertexId('b'),
      toOperator: vertexId('b'),
      partitioning: 'hash',
    },
  ],
  checkpointing: undefined,
  settings: {},
} as unknown as JobSubmission['graph'];

const CHECKPOINT: CheckpointInfo = {
  checkpointId: 7,
  kind: 'checkpoint',
  path: '/checkpoints/chk-7',
  stateBytes: 1000,
  writtenBytes: 100,
  durationMs: 12,
  completedMs: 5_000,
};

export const jobDetails = (jobId: JobId, changes: Partial<JobDetails> = {}): JobDetails => ({
  jobId,
  name: 'words',
  status: 'RUNNING',
  startedMs: 1_000,
  endedMs: undefined,
  taskCounts: { RUNNING: 2, INITIALIZING: 1 },
  graph: GRAPH,
  tasks: [
    { vertex: vertexId('a'), name: 'source', subtask: 0, state: 'RUNNING', taskManager: 'tm-1', metrics: undefined },
    { vertex: vertexId('b'), name: 'sum', subtask: 0, state: 'RUNNING', taskManager: 'tm-1', metrics: undefined },
    { vertex: vertexId('b'), name: 'sum', subtask: 1, state: 'INITIALIZING', taskManager: 'tm-2', metrics: undefined },
  ],
  restarts: 1,
  timestamps: { CREATED: 1_000, RUNNING: 1_100 },
  waiting: undefined,
  notes: [],
  checkpoints: {
    triggered: 9,
    completed: 7,
    failed: 1,
    inProgress: 1,
    latestCompleted: CHECKPOINT,
    latestSavepoint: undefined,
    latestFailure: { checkpointId: 6, atMs: 4_000, error: { name: 'Error', message: 'disk full' } },
    restored: 3,
  },
  failures: [
    { atMs: 2_000, error: { name: 'TypeError', message: 'x is no number' }, task: 'sum', taskManager: 'tm-2' },
  ],
  savepoint: undefined,
  retainedCheckpoint: undefined,
  ...changes,
});

/** A cluster in memory, which does what a test says. */
export class FakeGateway implements ClusterGateway {
  readonly leadership = { sessionId: '0b3e6f6e-0000-4000-8000-000000000000', epoch: 4 };
  readonly jobs = new Map<JobId, JobDetails>([
    [RUNNING_JOB, jobDetails(RUNNING_JOB)],
    [
      FINISHED_JOB,
      jobDetails(FINISHED_JOB, { status: 'FINISHED', endedMs: 9_000, savepoint: '/savepoints/s', failures: [] }),
    ],
    [
      FAILED_JOB,
      jobDetails(FAILED_JOB, { status: 'FAILED', endedMs: 9_000, retainedCheckpoint: '/checkpoints/chk-7' }),
    ],
  ]);
  standingBy: Standbys['standbys'] = [];
  readonly submissions: JobSubmission[] = [];
  readonly calls: string[] = [];
  /** Thrown by each call from now on. */
  failure: Error | undefined;
  /** Savepoints and checkpoints wait for it. */
  snapshotsMayComplete: Promise<unknown> = Promise.resolve();
  readonly #snapshots = new Map<string, SnapshotStatus>();
  settings: Readonly<Record<string, string>> = {};

  submit(submission: JobSubmission): Promise<{ readonly notes: readonly string[] }> {
    return this.#call('submit', () => {
      this.submissions.push(submission);
      if (!this.jobs.has(submission.jobId)) {
        this.jobs.set(submission.jobId, jobDetails(submission.jobId, { name: submission.graph.name }));
      }
      return { notes: ['Checkpoints go to /checkpoints'] };
    });
  }

  list(): Promise<readonly JobListEntry[]> {
    return this.#call('list', () => [...this.jobs.values()]);
  }

  details(jobId: JobId): Promise<JobDetails> {
    return this.#call('details', () => this.#find(jobId));
  }

  cancel(jobId: JobId): Promise<void> {
    return this.#call(`cancel ${jobId}`, () => this.end(jobId, { status: 'CANCELED' }));
  }

  stop(jobId: JobId, request: StopRequest): Promise<{ readonly triggerId: string }> {
    const folder = request.directory ?? '/savepoints';
    return this.#trigger(jobId, request, `stop ${folder} ${request.drain ? 'drain' : 'suspend'}`, () => {
      const savepoint = `${folder}/savepoint-1`;
      this.end(jobId, { status: 'FINISHED', savepoint });
      return savepoint;
    });
  }

  savepoint(jobId: JobId, request: SavepointRequest): Promise<{ readonly triggerId: string }> {
    const folder = request.directory ?? '/savepoints';
    return this.#trigger(jobId, request, `savepoint ${folder}`, () => `${folder}/savepoint-1`);
  }

  checkpoint(jobId: JobId, request: SnapshotTrigger): Promise<{ readonly triggerId: string }> {
    return this.#trigger(jobId, request, 'checkpoint', () => CHECKPOINT.path);
  }

  snapshotStatus(jobId: JobId, triggerId: string): Promise<SnapshotStatus> {
    return this.#call('snapshotStatus', () => {
      const status = this.#snapshots.get(`${jobId}/${triggerId}`);
      if (status === undefined) {
        throw new MillraceError('TRIGGER_NOT_FOUND', `trigger ${triggerId} of job ${jobId} is not known`);
      }
      return status;
    });
  }

  rescale(jobId: JobId, { triggerId = 'e'.repeat(32), ...asked }: RescaleRequest): Promise<{ triggerId: string }> {
    return this.#call(`rescale ${jobId} ${JSON.stringify(asked)}`, () => {
      this.#snapshots.set(`${jobId}/${triggerId}`, { state: 'completed', location: '/checkpoints/chk-8' });
      return { triggerId };
    });
  }

  parallelism(jobId: JobId): Promise<readonly VertexParallelism[]> {
    return this.#call(`parallelism ${jobId}`, () =>
      GRAPH.vertices.map(({ id, name, parallelism, maxParallelism }) => ({ id, name, parallelism, maxParallelism })),
    );
  }

  retry(jobId: JobId): Promise<void> {
    return this.#call(`retry ${jobId}`, () => {
      const job = this.#find(jobId);
      this.jobs.set(jobId, { ...job, status: 'RUNNING', waiting: undefined });
    });
  }

  disposeSavepoint(path: string): Promise<void> {
    return this.#call(`dispose ${path}`, () => {
      if (path.includes('missing')) {
        throw new MillraceError('FILE_NOT_FOUND', `there is no savepoint at ${path}`);
      }
    });
  }

  taskManagers(): Promise<readonly TaskManagerInfo[]> {
    return this.#call('taskManagers', () => [
      taskManagerInfo('tm-1', { slots: 2, freeSlots: 0 }),
      taskManagerInfo('tm-2', { slots: 4, freeSlots: 3 }),
    ]);
  }

  standbys(): Promise<Standbys> {
    return this.#call('standbys', () => ({ standbys: this.standingBy }));
  }

  reachability(): Promise<Reachability> {
    return this.#call('reachability', () => ({ processes: [], checks: [] }));
  }

  configuration(): Readonly<Record<string, string>> {
    return this.settings;
  }

  suspend(): Promise<void> {
    return this.#call('suspend', () => {});
  }

  shutDown(): Promise<void> {
    return this.#call('shutDown', () => {});
  }

  end(jobId: JobId, changes: Partial<JobDetails>): void {
    const job = this.jobs.get(jobId);
    if (job !== undefined && !hasEnded(job.status)) {
      this.jobs.set(jobId, { ...job, endedMs: 10_000, failures: [], ...changes });
    }
  }

  #trigger(
    jobId: JobId,
    { triggerId = systemRandom.hex(32) }: SnapshotTrigger,
    name: string,
    run: () => string,
  ): Promise<{ readonly triggerId: string }> {
    const key = `${jobId}/${triggerId}`;
    return this.#call(this.#snapshots.has(key) ? `again ${name}` : name, () => {
      const job = this.#find(jobId);
      if (this.#snapshots.has(key)) {
        return { triggerId };
      }
      if (hasEnded(job.status)) {
        throw new MillraceError('JOB_ENDED', `job ${jobId} has ended`);
      }
      this.#snapshots.set(key, { state: 'in-progress' });
      void this.snapshotsMayComplete.then(
        () => this.#snapshots.set(key, { state: 'completed', location: run() }),
        (error: unknown) => this.#snapshots.set(key, { state: 'failed', error: errorInfo(error) }),
      );
      return { triggerId };
    });
  }

  #find(jobId: JobId): JobDetails {
    const job = this.jobs.get(jobId);
    if (job === undefined) {
      throw new MillraceError('JOB_NOT_FOUND', `job ${jobId} not found`);
    }
    return job;
  }

  async #call<T>(name: string, run: () => T): Promise<T> {
    this.calls.push(name);
    if (this.failure !== undefined) {
      throw this.failure;
    }
    return run();
  }
}

const taskManagerInfo = (resourceId: string, slots: Pick<TaskManagerInfo, 'slots' | 'freeSlots'>): TaskManagerInfo => ({
  resourceId,
  rpcAddress: '127.0.0.1:4000',
  dataPort: 4001,
  lastHeartbeatMs: 6_000,
  cores: 2,
  memoryBytes: 1_000_000,
  ...slots,
});

/** A server on any port of loopback, which leads with `gateway`. */
export const startRestServer = (
  gateway: ClusterGateway | undefined,
  changes: Partial<RestServerOptions> = {},
): Promise<RestServer> =>
  RestServer.start({
    host: '127.0.0.1',
    ports: [0],
    gateway: () => gateway,
    leaderAddress: () => undefined,
    access: { token: undefined, allowedOrigins: [], hostNames: ['127.0.0.1'] },
    limits: { bodyBytesMax: 1_000_000, keepOperationsMs: 60_000, idleMs: 30_000, requestMs: 30_000, forwardMs: 10_000 },
    version: '1.2.3',
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...changes,
  });
