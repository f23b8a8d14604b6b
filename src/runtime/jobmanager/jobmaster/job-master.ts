import { present } from '../../../foundation/common/assert.ts';
import type { TimerHandle } from '../../../foundation/common/clock.ts';
import { errorInfo, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { AttemptId, CheckpointId } from '../../../foundation/common/ids.ts';
import type { JobMasterGateway, TaskCommand, TaskMetrics, TaskReport } from '../../protocol/task-commands.ts';
import type { CheckpointCoordinator } from '../checkpoint-coordinator/checkpoint-coordinator.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { createRestartStrategy, defaultRestartStrategy } from '../failover/restart-strategy.ts';
import { instantOf } from '../instant.ts';
import { ExecutionGraph, subtaskName } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import type { SplitCoordinator } from '../split-coordination/split-coordinator.ts';
import { keepsCheckpoints } from './checkpoint-retention.ts';
import { JobCore } from './job-core.ts';
import type { GenerationStart, JobAction, JobEvent } from './job-event.ts';
import type { JobMasterOptions, JobOverview, JobResult } from './job-master-options.ts';
import { isTerminal, type JobStatus } from './job-status.ts';
import { RunningJob, type RunningJobHost } from './running-job.ts';

/**
 * Runs one job: carries out what `JobCore`, `CheckpointCoordinator` and `SplitCoordinator` decide. Everything that reaches
 * it is taken one at a time, in order, so that the commands to one task are one ordered stream.
 */
export class JobMaster implements JobMasterGateway {
  /** Settles when the job has ended and its checkpoints are cleaned up; never rejects. */
  readonly result: Promise<JobResult>;
  readonly #options: JobMasterOptions;
  readonly #execution: ExecutionGraph;
  readonly #core: JobCore;
  readonly #startedMs: number;
  /** By subtask index. */
  readonly #metrics = new Map<number, TaskMetrics>();
  readonly #mailbox: (() => void)[] = [];
  #isDraining = false;
  #running: RunningJob | undefined;
  #timer: TimerHandle | undefined;
  /** What the generation restores whose record was just written. */
  #recorded: RestorePlan | undefined;
  #wasUndecided = false;
  #savepoint: string | undefined;
  #latestFailure: ErrorInfo | undefined;
  #resolve!: (result: JobResult) => void;

  /** Throws BAD_JOB when the graph cannot run. */
  constructor(options: JobMasterOptions) {
    this.#options = options;
    const { graph, random, failover, fence, jobId, graphVersion, clock } = options;
    this.#execution = new ExecutionGraph(graph);
    const strategy = options.restartStrategy ?? defaultRestartStrategy(graph.checkpointing !== undefined);
    this.#core = new JobCore({
      jobId,
      graphVersion,
      execution: this.#execution,
      strategy: createRestartStrategy(strategy, random),
      failover,
      epoch: fence.epoch,
    });
    this.#startedMs = clock.now();
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get status(): JobStatus {
    return this.#core.status;
  }

  get overview(): JobOverview {
    return {
      jobId: this.#options.jobId,
      name: this.#options.graph.name,
      status: this.#core.status,
      startedMs: this.#startedMs,
      restarts: this.#core.restarts,
      latestFailure: this.#latestFailure,
      tasks: this.#core.executions.map(({ subtask, state, attemptNumber }) => ({
        vertex: subtask.vertex.id,
        name: subtask.vertex.name,
        subtask: subtask.subtask,
        state,
        attempt: attemptNumber,
        metrics: this.#metrics.get(subtask.index),
      })),
      checkpoints: this.#running?.coordinator.statistics,
    };
  }

  start(): void {
    void this.#initialize();
  }

  report(report: TaskReport): void {
    this.#post(() => this.#reported(report));
  }

  metrics(metrics: readonly TaskMetrics[]): void {
    for (const one of metrics) {
      const execution = this.#core.executionOf(one.attempt);
      if (execution !== undefined) {
        this.#metrics.set(execution.subtask.index, one);
      }
    }
  }

  /** Repeating it does nothing; `result` tells when it is over. */
  cancel(): void {
    this.#post(() => this.#handle({ kind: 'cancel' }));
  }

  /** This process leads no more: commands and writes stop, the tasks go on. */
  suspend(): void {
    this.#post(() => this.#handle({ kind: 'suspend' }));
  }

  /**
   * Takes a savepoint below `directory`, commits it and ends the job; resolves when it has FINISHED, with the savepoint.
   * Rejects when the savepoint fails: the job goes on (`drain`: after a restart).
   */
  async stop(directory: string, drain: boolean): Promise<CompletedCheckpoint> {
    const checkpoint = await this.#savepointInto(directory, drain ? 'drain' : 'suspend');
    const { status, error } = await this.result;
    if (status !== 'FINISHED') {
      throw new MillraceError(
        'TASK_FAILED',
        `the savepoint ${checkpoint.baseFolder} is complete, but the job ended ${status} before all of it was committed`,
        { cause: error },
      );
    }
    return checkpoint;
  }

  /** Takes a savepoint below `directory`; it commits nothing and is no recovery point (R8). */
  triggerSavepoint(directory: string): Promise<CompletedCheckpoint> {
    return this.#savepointInto(directory, 'no');
  }

  /** Takes a checkpoint now, whatever interval and pause say. */
  triggerCheckpoint(): Promise<CompletedCheckpoint> {
    return this.#request((coordinator) => coordinator.request({ kind: 'checkpoint' }));
  }

  async #savepointInto(directory: string, stop: 'no' | 'suspend' | 'drain'): Promise<CompletedCheckpoint> {
    const { storage } = this.#options;
    const folder = await storage.newSavepointFolder(directory);
    try {
      return await this.#request((coordinator) => coordinator.request({ kind: 'savepoint', folder, stop }));
    } catch (error) {
      const nothing = { checkpointId: 0 as CheckpointId, folder, savepoint: true };
      await storage.discard(nothing, []).catch(() => {});
      throw error;
    }
  }

  #request(run: (coordinator: CheckpointCoordinator) => Promise<CompletedCheckpoint>): Promise<CompletedCheckpoint> {
    return new Promise((resolve, reject) => {
      this.#post(() => {
        const coordinator = this.#running?.coordinator;
        if (coordinator === undefined || isTerminal(this.#core.status)) {
          const { name } = this.#options.graph;
          const { status } = this.#core;
          const wayOut = isTerminal(status) ? '' : ' and takes no snapshots yet; try again when it is RUNNING';
          reject(new MillraceError('JOB_ENDED', `job "${name}" is ${status}${wayOut}`, { retryable: true }));
        } else {
          run(coordinator).then(resolve, reject);
        }
      });
    });
  }

  /** What it calls may call back: that waits for its turn. */
  #post(run: () => void): void {
    this.#mailbox.push(run);
    if (this.#isDraining) {
      return;
    }
    this.#isDraining = true;
    try {
      for (let next = this.#mailbox.shift(); next !== undefined; next = this.#mailbox.shift()) {
        next();
      }
    } finally {
      this.#isDraining = false;
    }
  }

  async #initialize(): Promise<void> {
    try {
      const running = await RunningJob.create(this.#options, this.#execution, this.#host());
      this.#post(() => {
        if (isTerminal(this.#core.status)) {
          void running.splits.close();
          return;
        }
        this.#running = running;
        this.#handle({ kind: 'initialized', generationFloor: running.restoredGeneration });
      });
    } catch (error) {
      this.#post(() => this.#handle({ kind: 'fail', error: errorInfo(error), fatal: true }));
    }
  }

  #host(): RunningJobHost {
    return {
      activeAttempt: (index) => {
        const attempt = this.#core.executions[index]?.id;
        return attempt !== undefined && this.#core.isActive(attempt) ? attempt : undefined;
      },
      command: (attempt, command) => this.#command(attempt, command),
      completed: (checkpoint) => this.#post(() => this.#checkpointCompleted(checkpoint)),
      failJob: (error) => this.#post(() => this.#handle({ kind: 'fail', error, fatal: false })),
      coordinatorChanged: () => this.#post(() => this.#coordinatorChanged()),
    };
  }

  #reported(report: TaskReport): void {
    const running = this.#running;
    if (running === undefined || isTerminal(this.#core.status)) {
      return;
    }
    switch (report.kind) {
      case 'state':
        return this.#handle({ ...report, kind: 'task-state' });
      case 'ended':
        return running.coordinator.handle({ kind: 'task-ended', attempt: report.attempt });
      case 'acknowledge':
        return running.coordinator.handle({ kind: 'acknowledged', report });
      case 'decline':
        return running.coordinator.handle({ kind: 'declined', report });
      case 'reader-registered':
      case 'split-request':
        return this.#readerReported(running.splits, report);
    }
  }

  #readerReported(
    splits: SplitCoordinator,
    report: Extract<TaskReport, { kind: 'reader-registered' | 'split-request' }>,
  ): void {
    if (!this.#core.isActive(report.attempt)) {
      return;
    }
    const { index } = present(this.#core.executionOf(report.attempt), 'execution').subtask;
    if (report.kind === 'reader-registered') {
      splits.readerRegistered(index, report.operatorId, report.held);
    } else {
      splits.splitRequested(index, report.operatorId);
    }
  }

  #checkpointCompleted(checkpoint: CompletedCheckpoint): void {
    this.#running?.splits.completed(checkpoint.checkpointId);
    if (checkpoint.kind === 'savepoint') {
      this.#savepoint = checkpoint.baseFolder;
      this.#handle({ kind: 'stop-completed' });
    }
    this.#options.listener?.checkpointCompleted?.(checkpoint);
  }

  /** Tells the core whether a checkpoint is undecided (R2), before anything else is decided. */
  #coordinatorChanged(): void {
    const undecided = this.#running?.coordinator.isUndecided ?? false;
    if (undecided !== this.#wasUndecided) {
      this.#wasUndecided = undecided;
      this.#decide({ kind: 'undecided', undecided });
    }
  }

  #handle(event: JobEvent): void {
    this.#coordinatorChanged();
    this.#decide(event);
  }

  #decide(event: JobEvent): void {
    const { clock } = this.#options;
    const actions = this.#core.handle(event, instantOf(clock));
    this.#timer?.cancel();
    const atMs = this.#core.nextWakeMs;
    this.#timer = Number.isFinite(atMs)
      ? clock.after(Math.max(0, atMs - clock.monotonic()), () => this.#post(() => this.#handle({ kind: 'tick' })))
      : undefined;
    for (const action of actions) {
      this.#carryOut(action);
    }
  }

  #carryOut(action: JobAction): void {
    switch (action.kind) {
      case 'status':
        return this.#statusChanged(action);
      case 'task-switched':
        return this.#taskSwitched(action);
      case 'tasks-failing':
        this.#running?.coordinator.handle(action);
        this.#running?.splits.readersFailed(action.indices);
        return;
      case 'cancel-tasks':
        return action.attempts.forEach((attempt) => this.#command(attempt, { kind: 'cancel' }));
      case 'record-generation':
        void this.#recordGeneration(action.start);
        return;
      case 'deploy':
        return this.#running?.deploy(action.start, this.#recorded);
      case 'restart-planned':
        return this.#restartPlanned(action);
      case 'ended':
        void this.#end(action);
    }
  }

  #command(attempt: AttemptId, command: TaskCommand): void {
    this.#options.gateway.command(this.#options.fence, attempt, command);
  }

  async #recordGeneration(start: GenerationStart): Promise<void> {
    try {
      const plan = await present(this.#running, 'running job').recordGeneration(start);
      this.#post(() => {
        this.#recorded = plan;
        this.#handle({ kind: 'generation-recorded', generation: start.generation });
      });
    } catch (error) {
      this.#post(() => this.#handle({ kind: 'fail', error: errorInfo(error), fatal: false }));
    }
  }

  #taskSwitched({ index, from, to, error }: ActionOf<'task-switched'>): void {
    const execution = present(this.#core.executions[index], 'execution');
    const { logger, listener } = this.#options;
    const name = subtaskName(execution.subtask);
    const attempt = present(execution.id, 'attempt');
    const line = `${name} (${attempt}) switched from ${from} to ${to}.`;
    if (to === 'FAILED') {
      // What follows from it (a restart, the end of the job) is said with its reason where it is decided.
      logger.info(`${line} ${error?.message ?? ''}`, { error });
    } else {
      logger.debug(line);
    }
    const coordinator = this.#running?.coordinator;
    if (to === 'DEPLOYING') {
      this.#metrics.delete(index);
    } else if (to === 'RUNNING') {
      coordinator?.handle({ kind: 'task-running', attempt });
    } else if (to === 'FINISHED') {
      coordinator?.handle({ kind: 'task-finished', attempt });
    }
    listener?.taskChanged?.(present(execution.attempt, 'attempt'), name, to, error);
  }

  #statusChanged({ from, to, error }: ActionOf<'status'>): void {
    const { graph, jobId, logger, listener } = this.#options;
    const line = `Job ${graph.name} (${jobId}) switched from state ${from} to ${to}.`;
    logger.info(error === undefined ? line : `${line} ${error.message}`, { error });
    listener?.statusChanged?.(from, to);
  }

  #restartPlanned({ indices, delayMs, error }: ActionOf<'restart-planned'>): void {
    this.#latestFailure = error;
    const { graph, logger } = this.#options;
    const tasks = indices.length === 1 ? '1 task' : `${indices.length} tasks`;
    logger.warn(`Restarting ${tasks} of job ${graph.name} in ${delayMs} ms after a failure: ${error.message}`, {
      error,
    });
  }

  /** The end of a job that this JobMaster still leads: what nobody needs any more goes, then the result is told (R9). */
  async #end({ status, error }: ActionOf<'ended'>): Promise<void> {
    const { jobId, graph, clock, restore, checkpointFolder } = this.#options;
    const running = this.#running;
    const userCodeEnded = running?.splits.close();
    if (status === 'SUSPENDED') {
      running?.coordinator.abandon();
    } else {
      const retention = graph.checkpointing?.retention ?? 'NO_EXTERNALIZED_CHECKPOINTS';
      // What the job was restored from belongs to the user unless it was claimed; it may be of this job id, and lie here.
      const isUsersHere =
        restore !== undefined && restore.isClaimed !== true && restore.baseFolder === checkpointFolder;
      const keeps = isUsersHere || keepsCheckpoints(status, retention);
      await running?.coordinator.shutDown(`the job is ${status}`, keeps);
    }
    await userCodeEnded;
    this.#resolve({
      jobId,
      status: status as JobResult['status'],
      ...(error === undefined ? {} : { error }),
      ...(this.#savepoint === undefined ? {} : { savepoint: this.#savepoint }),
      restarts: this.#core.restarts,
      durationMs: clock.now() - this.#startedMs,
    });
  }
}

type ActionOf<K extends JobAction['kind']> = Extract<JobAction, { kind: K }>;
