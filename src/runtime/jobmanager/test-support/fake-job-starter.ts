import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
import { errorInfo, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { AttemptReport, TaskReport } from '../../protocol/task-commands.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import type {
  AnticipatedJob,
  JobStarter,
  JobSurroundings,
  ManagedMaster,
  PreparedJob,
  RescaledPlan,
  RescaleTargets,
} from '../dispatcher/job-starter.ts';
import type { StopRequest } from '../jobmaster/job-intents.ts';
import type { JobOverview, JobResult } from '../jobmaster/job-master-options.ts';
import type { JobStatus } from '../jobmaster/job-status.ts';
import type { HeldSlots } from '../scheduler/slot-table.ts';
import { rescaledGraph } from './test-graph.ts';

/** Does nothing by itself: a test says what the job does. */
export class FakeMaster implements ManagedMaster {
  readonly surroundings: JobSurroundings;
  readonly job: StoredJob;
  readonly heard: unknown[] = [];
  readonly result: Promise<JobResult>;
  status: JobStatus = 'INITIALIZING';
  /** What becomes of the savepoints that it is asked for. */
  savepoint = Promise.withResolvers<CompletedCheckpoint>();
  readonly #resolve: (result: JobResult) => void;

  constructor(job: StoredJob, surroundings: JobSurroundings) {
    this.job = job;
    this.surroundings = surroundings;
    const { promise, resolve } = Promise.withResolvers<JobResult>();
    this.result = promise;
    this.#resolve = resolve;
  }

  get overview(): JobOverview {
    const { jobId, graph } = this.job;
    const nothing = { startedMs: 0, restarts: 0, latestFailure: undefined, tasks: [], checkpoints: undefined };
    return { jobId, name: graph.name, status: this.status, ...nothing };
  }

  start(): void {
    this.heard.push('start');
  }

  switchTo(status: JobStatus): void {
    const from = this.status;
    this.status = status;
    this.surroundings.listener?.statusChanged?.(from, status);
  }

  async cancel(): Promise<void> {
    await this.surroundings.records.recordIntent({ kind: 'cancel', requestId: 'cancel' });
    this.heard.push('cancel');
  }

  suspend(): void {
    if (this.status !== 'SUSPENDED') {
      this.switchTo('SUSPENDED');
      this.#resolve(this.#resultOf('SUSPENDED'));
    }
  }

  /** As JobMaster does when all tasks have ended. */
  retire(): void {
    this.heard.push('retire');
    this.suspend();
  }

  get heldSlots(): HeldSlots {
    return new Map();
  }

  async stop(savepointDirectory: string, drain: boolean, request?: StopRequest): Promise<CompletedCheckpoint> {
    const requestId = request?.requestId ?? 'stop';
    await this.surroundings.records.recordIntent({ kind: 'stop', requestId, savepointDirectory, drain });
    request?.accepted();
    this.heard.push('stop');
    return this.savepoint.promise;
  }

  triggerSavepoint(directory: string): Promise<CompletedCheckpoint> {
    this.heard.push(`savepoint to ${directory}`);
    return this.savepoint.promise;
  }

  triggerCheckpoint(): Promise<CompletedCheckpoint> {
    return this.savepoint.promise;
  }

  report(report: TaskReport): void {
    this.heard.push(report);
  }

  metrics(): void {}

  taskManagerReported(taskManager: string, attempts: readonly AttemptReport[]): void {
    this.heard.push({ taskManager, attempts });
  }

  taskManagerLost(taskManager: string): void {
    this.heard.push({ lost: taskManager });
  }

  /** As JobMaster does: the result first, then the end (R9). */
  async end(status: 'FINISHED' | 'CANCELED' | 'FAILED', savepoint?: string): Promise<void> {
    const result = { ...this.#resultOf(status), ...(savepoint === undefined ? {} : { savepoint }) };
    await this.surroundings.persistResult?.(result);
    this.status = status;
    this.#resolve(result);
  }

  /** Its stores cannot be read. */
  fail(error: ErrorInfo): void {
    if (this.surroundings.isSetAside?.(error) === true) {
      this.suspend();
    }
  }

  #resultOf(status: JobResult['status']): JobResult {
    return { jobId: this.job.jobId, status, restarts: 0, durationMs: 1 };
  }
}

export class FakeJobStarter implements JobStarter {
  /** By job; the newest one. */
  readonly masters = new Map<JobId, FakeMaster>();
  readonly prepared: JobId[] = [];
  /** What it was told as a standby, each time. */
  readonly anticipated: (readonly AnticipatedJob[])[] = [];
  refusal: MillraceError | undefined;
  /** The folder of checkpoints that go with a job that ends. */
  checkpoints: string | undefined;
  /** Thrown where a job is prepared. */
  readonly broken = new Map<JobId, MillraceError>();

  async check(): Promise<readonly string[]> {
    if (this.refusal !== undefined) {
      throw this.refusal;
    }
    return ['a note'];
  }

  async prepare(job: StoredJob, surroundings: JobSurroundings): Promise<PreparedJob> {
    this.prepared.push(job.jobId);
    const error = this.broken.get(job.jobId);
    if (error !== undefined) {
      throw error;
    }
    const master = new FakeMaster(job, surroundings);
    this.masters.set(job.jobId, master);
    return {
      master,
      notes: [],
      savepointDirectory: '/savepoints',
      checkpointsToDelete: () => this.checkpoints,
      close: () => Promise.resolve(),
    };
  }

  async rescaled({ graph, configuration }: StoredJob, targets: RescaleTargets): Promise<RescaledPlan> {
    return { graph: rescaledGraph(graph, targets), configuration };
  }

  async anticipate(jobs: readonly AnticipatedJob[]): Promise<void> {
    this.anticipated.push(jobs);
  }

  master(jobId: JobId): FakeMaster {
    const master = this.masters.get(jobId);
    if (master === undefined) {
      throw new Error(`job ${jobId} was not prepared`);
    }
    return master;
  }
}

export const brokenFile = errorInfo(new MillraceError('CHECKPOINT_BROKEN', 'bad checksum'));
