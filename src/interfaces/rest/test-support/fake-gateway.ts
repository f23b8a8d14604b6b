import { MillraceError } from '../../../foundation/common/errors.ts';
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
  SavepointRequest,
  TaskManagerInfo,
} from '../cluster-gateway.ts';
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
  taskStates: ['RUNNING', 'RUNNING', 'INITIALIZING'],
  graph: GRAPH,
  tasks: [
    { vertex: vertexId('a'), subtask: 0, state: 'RUNNING', taskManager: 'tm-1', metrics: undefined },
    { vertex: vertexId('b'), subtask: 0, state: 'RUNNING', taskManager: 'tm-1', metrics: undefined },
    { vertex: vertexId('b'), subtask: 1, state: 'INITIALIZING', taskManager: 'tm-2', metrics: undefined },
  ],
  restarts: 1,
  timestamps: { CREATED: 1_000, RUNNING: 1_100 },
  waiting: undefined,
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
  readonly details = new Map<JobId, JobDetails>([
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
  readonly submissions: JobSubmission[] = [];
  readonly calls: string[] = [];
  /** Thrown by each call from now on. */
  failure: Error | undefined;
  /** Savepoints wait for it. */
  savepoints: Promise<unknown> = Promise.resolve();
  settings: Readonly<Record<string, string>> = {};

  submit(submission: JobSubmission): Promise<void> {
    return this.#call('submit', () => {
      this.submissions.push(submission);
      if (!this.details.has(submission.jobId)) {
        this.details.set(submission.jobId, jobDetails(submission.jobId, { name: submission.graph.name }));
      }
    });
  }

  jobs(): Promise<readonly JobListEntry[]> {
    return this.#call('jobs', () => [...this.details.values()]);
  }

  job(jobId: JobId): Promise<JobDetails | undefined> {
    return this.#call('job', () => this.details.get(jobId));
  }

  cancel(jobId: JobId): Promise<void> {
    return this.#call(`cancel ${jobId}`, () => this.end(jobId, { status: 'CANCELED' }));
  }

  async savepoint(jobId: JobId, { folder, afterwards }: SavepointRequest): Promise<string> {
    await this.#call(`savepoint ${folder ?? 'default'} ${afterwards}`, () => {});
    await this.savepoints;
    const savepoint = `${folder ?? '/savepoints'}/savepoint-1`;
    if (afterwards !== 'go-on') {
      this.end(jobId, { status: afterwards === 'cancel' ? 'CANCELED' : 'FINISHED', savepoint });
    }
    return savepoint;
  }

  checkpoint(): Promise<CheckpointInfo> {
    return this.#call('checkpoint', () => CHECKPOINT);
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

  configuration(): Readonly<Record<string, string>> {
    return this.settings;
  }

  shutDown(): Promise<void> {
    return this.#call('shutDown', () => {});
  }

  end(jobId: JobId, changes: Partial<JobDetails>): void {
    const job = this.details.get(jobId);
    if (job !== undefined && !hasEnded(job.status)) {
      this.details.set(jobId, { ...job, endedMs: 10_000, failures: [], ...changes });
    }
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
