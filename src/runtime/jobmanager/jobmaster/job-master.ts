import { present } from '../../../foundation/common/assert.ts';
import { errorInfo, type ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { AttemptReport, JobMasterGateway, TaskMetrics, TaskReport } from '../../protocol/task-commands.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { createRestartStrategy, defaultRestartStrategy } from '../failover/restart-strategy.ts';
import { instantOf } from '../instant.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import type { HeldSlots } from '../scheduler/slot-table.ts';
import { WakeTimer } from '../wake-timer.ts';
import { isLiveState } from './execution.ts';
import { JobCore } from './job-core.ts';
import type { ActionOf, GenerationStart, JobAction, JobEvent } from './job-event.ts';
import { JobEnd } from './job-end.ts';
import { asSeenByJob, LOST } from './job-failure.ts';
import { JobIntents, type StopRequest } from './job-intents.ts';
import { JobJournal } from './job-journal.ts';
import type { JobMasterOptions, JobOverview, JobResult } from './job-master-options.ts';
import { jobOverview } from './job-overview.ts';
import { isTerminal, type JobStatus } from './job-status.ts';
import { RunningJob, type RunningJobHost } from './running-job.ts';
import { SnapshotRequests } from './snapshot-requests.ts';
import { TaskExecutors } from './task-executors.ts';
import { Turns } from './turns.ts';

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
  readonly #executors: TaskExecutors;
  readonly #journal: JobJournal;
  readonly #snapshots: SnapshotRequests;
  readonly #intents: JobIntents;
  readonly #jobEnd: JobEnd;
  /** By subtask index. */
  readonly #metrics = new Map<number, TaskMetrics>();
  readonly #turns = new Turns();
  readonly #wake: WakeTimer;
  /** What TaskManagers said before the stores were read. */
  readonly #early: (() => void)[] = [];
  #running: RunningJob | undefined;
  /** What the generation restores whose record was just written. */
  #recorded: RestorePlan | undefined;
  #wasUndecided = false;
  #savepoint: string | undefined;
  #resolve!: (result: JobResult) => void;

  /** Throws BAD_JOB when the graph cannot run. */
  constructor(options: JobMasterOptions) {
    this.#options = options;
    const { graph, random, failover, fence, jobId, graphVersion, clock, logger, listener } = options;
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
    this.#wake = new WakeTimer(clock, () => this.#post(() => this.#handle({ kind: 'tick' })));
    this.#executors = new TaskExecutors(fence, options.executors);
    this.#journal = new JobJournal({ jobId, jobName: graph.name, logger, listener });
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#jobEnd = new JobEnd(options);
    this.#snapshots = new SnapshotRequests({
      storage: options.storage,
      result: this.result,
      jobName: graph.name,
      inTurn: (run) => this.#post(() => run(this.#isOver ? undefined : this.#running?.coordinator, this.#core.status)),
    });
    this.#intents = new JobIntents({
      records: options.records,
      snapshots: this.#snapshots,
      random,
      logger,
      stopGivenUp: () => this.#whenRunning(({ coordinator }) => coordinator.handle({ kind: 'stop-given-up' })),
      // Before the stores are read it is not known what of the job runs.
      cancel: () => this.#whenRunning(() => this.#handle({ kind: 'cancel' })),
      failJob: (error) => this.#whenRunning(() => this.#handle({ kind: 'fail', error, fatal: false })),
      isOver: () => this.#isOver,
    });
  }

  get #isOver(): boolean {
    return isTerminal(this.#core.status);
  }

  get status(): JobStatus {
    return this.#core.status;
  }

  get overview(): JobOverview {
    return jobOverview(this.#options, this.#core, this.#metrics, {
      startedMs: this.#jobEnd.startedMs,
      latestFailure: this.#journal.latestFailure,
      checkpoints: this.#running?.coordinator.statistics,
    });
  }

  start(): void {
    void this.#initialize();
  }

  report(report: TaskReport): void {
    this.#whenRunning((running) => this.#reported(running, report));
  }

  /** A TaskManager has registered, with all that it runs of this job; `taskManager` is its instance id, `name` what people call it. */
  taskManagerReported(taskManager: string, attempts: readonly AttemptReport[], name = taskManager): void {
    this.#whenRunning((running) => {
      running.storeAge.reported(name, attempts);
      if (this.#jobEnd.isSuspended) {
        return;
      }
      const isActive = ({ attempt }: AttemptReport): boolean => this.#core.isActive(attemptId(attempt));
      const reported = new Set(attempts.map(({ attempt }) => attemptId(attempt)));
      const known = attempts.filter(isActive);
      for (const report of attempts) {
        this.#executors.reported(taskManager, report);
        const isCurrent = this.#core.executionOf(attemptId(report.attempt))?.isLive === true;
        running.slotReported(report, taskManager, isCurrent);
        this.#handle({ ...report, kind: 'attempt-reported', isUnfit: report.drained && !running.isDraining });
      }
      const missing = this.#executors.at(taskManager).filter((attempt) => !reported.has(attempt));
      this.#lost(missing, { ...LOST, message: `TaskManager ${taskManager} does not run the task any more` });
      missing.forEach((attempt) => running.slots.strayEnded(attempt));
      this.#handle({ kind: 'task-manager-settled', taskManager });
      if (known.length > 0) {
        running.reconnected(known.filter(isActive));
      }
    });
  }

  /** It is gone, with all that it ran. `name`: what people call it. */
  taskManagerLost(taskManager: string, reason: string, name = taskManager): void {
    this.#whenRunning((running) => {
      running.slots.lost(taskManager);
      this.#lost(this.#executors.at(taskManager), { ...LOST, message: `lost TaskManager ${name}: ${reason}` });
      this.#handle({ kind: 'task-manager-settled', taskManager });
    });
  }

  metrics(metrics: readonly TaskMetrics[]): void {
    for (const one of metrics) {
      const execution = this.#core.executionOf(one.attempt);
      if (execution !== undefined) {
        this.#metrics.set(execution.subtask.index, one);
      }
    }
  }

  /** Resolves when it will be cancelled, also by another leader (R7). Repeating it does nothing. */
  cancel(): Promise<void> {
    return this.#intents.cancel();
  }

  /** This process leads no more: commands and writes stop, the tasks go on. */
  suspend(): void {
    this.#jobEnd.isSuspended = true;
    this.#post(() => this.#handle({ kind: 'suspend' }));
  }

  /** Ends all tasks, for another JobMaster that goes on from the newest checkpoint. `result` is SUSPENDED where that comes about. */
  retire(): void {
    this.#whenRunning(() => {
      this.#jobEnd.isRetired = true;
      this.#handle({ kind: 'retire' });
    });
  }

  /** Of a job that is over. */
  get heldSlots(): HeldSlots {
    return this.#running?.slots.held ?? new Map();
  }

  /**
   * Takes a savepoint below `directory`, commits it and ends the job; resolves when it has FINISHED, with the savepoint.
   * Rejects when the savepoint fails: the job goes on (`drain`: after a restart).
   */
  stop(directory: string, drain: boolean, request?: StopRequest): Promise<CompletedCheckpoint> {
    return this.#intents.stop(directory, drain, request);
  }

  /** Takes a savepoint below `directory`; it commits nothing and is no recovery point (R8). */
  triggerSavepoint(directory: string): Promise<CompletedCheckpoint> {
    return this.#snapshots.savepoint(directory);
  }

  /** Takes a checkpoint now, whatever interval and pause say. */
  triggerCheckpoint(): Promise<CompletedCheckpoint> {
    return this.#snapshots.checkpoint();
  }

  #post(run: () => void): void {
    this.#turns.take(run);
  }

  async #initialize(): Promise<void> {
    try {
      const running = await RunningJob.create(this.#options, this.#execution, this.#host());
      this.#post(() => {
        if (this.#isOver) {
          return void running.splits.close();
        }
        this.#running = running;
        this.#savepoint = running.stoppedAt;
        this.#handle(running.firstEvent);
        this.#intents.goOn(running.intent);
        this.#early.splice(0).forEach((run) => run());
      });
    } catch (thrown) {
      this.#setAside(errorInfo(thrown));
    }
  }

  /** It cannot go on, which is no failure of it (R5): what runs of it runs on. */
  #setAside(error: ErrorInfo): void {
    if (this.#options.isSetAside?.(error) === true) {
      this.#running?.withdraw();
      return this.suspend();
    }
    this.#post(() => this.#handle({ kind: 'fail', error, fatal: true }));
  }

  /** What comes before the stores were read waits, in order. */
  #whenRunning(run: (running: RunningJob) => void): void {
    this.#post(() => {
      if (this.#running === undefined && !this.#isOver) {
        this.#early.push(() => this.#whenRunning(run));
      } else if (this.#running !== undefined && !this.#isOver) {
        run(this.#running);
      }
    });
  }

  #host(): RunningJobHost {
    return {
      deploy: (taskManager, deployments) => this.#lost(this.#executors.deploy(taskManager, deployments), LOST),
      notDeployed: (attempts, error) => this.#lost(attempts, error),
      activeAttempt: (index) => {
        const attempt = this.#core.executions[index]?.id;
        return attempt !== undefined && this.#core.isActive(attempt) ? attempt : undefined;
      },
      activeIndex: (attempt) =>
        this.#core.isActive(attempt) ? this.#core.executionOf(attempt)?.subtask.index : undefined,
      placeOf: (attempt) => this.#executors.placeOf(attempt),
      command: (attempt, command) => this.#executors.command(attempt, command),
      completed: (checkpoint) => this.#post(() => this.#checkpointCompleted(checkpoint)),
      failJob: (error) => this.#post(() => this.#handle({ kind: 'fail', error, fatal: false })),
      setAside: (error) => this.#setAside(error),
      restoreRefused: (error) => this.#restoreRefused(error),
      coordinatorChanged: () => this.#post(() => this.#coordinatorChanged()),
    };
  }

  /** Whoever counted on these attempts hears of it in the order of events. */
  #lost(attempts: readonly AttemptId[], error: ErrorInfo): void {
    for (const attempt of attempts) {
      this.#post(() => this.#handle({ kind: 'task-state', attempt, state: 'FAILED', error }));
    }
  }

  #reported(running: RunningJob, report: TaskReport): void {
    if (report.kind !== 'state') {
      return running.reported(report);
    }
    const { attempt, state } = report;
    const hasRun = this.#core.executionOf(attempt)?.state === 'RUNNING';
    const error = hasRun ? report.error : running.restores.failed(attempt, report.error);
    this.#handle({ kind: 'task-state', attempt, state, ...asSeenByJob(error, this.#options.executors) });
    if (!isLiveState(report.state)) {
      running.slots.strayEnded(report.attempt);
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
    const actions = this.#core.handle(event, instantOf(this.#options.clock));
    this.#wake.at(this.#core.nextWakeMs);
    for (const action of actions) {
      this.#carryOut(action);
    }
  }

  #carryOut(action: JobAction): void {
    switch (action.kind) {
      case 'status':
        return this.#journal.statusChanged(action);
      case 'task-switched':
        return this.#taskSwitched(action);
      case 'tasks-failing':
        this.#running?.coordinator.handle(action);
        this.#running?.splits.readersFailed(action.indices);
        return;
      case 'cancel-tasks':
        return action.attempts.forEach((attempt) => this.#executors.command(attempt, { kind: 'cancel' }));
      case 'record-generation':
        void this.#recordGeneration(action.start);
        return;
      case 'deploy':
        return this.#running?.deploy(action.start, this.#recorded);
      case 'adopt':
        return this.#adopt(action);
      case 'restart-planned':
        return this.#journal.restartPlanned(action);
      case 'ended':
        void this.#end(action);
    }
  }

  #adopt(action: ActionOf<'adopt'>): void {
    this.#journal.adopted(action);
    try {
      const executions = action.indices.map((index) => present(this.#core.executions[index], 'execution'));
      this.#running?.adopt(action.generation, executions);
    } catch (error) {
      this.#post(() => this.#restoreRefused(errorInfo(error)));
    }
  }

  /** Where nothing may start from what there is, the job starts anew from something older, or is set aside (R5). */
  #restoreRefused(error: ErrorInfo): void {
    if (error.code !== 'JOB_SET_ASIDE') {
      this.#handle({ kind: 'fail', error, fatal: error.code === 'NOT_ENOUGH_SLOTS' });
    } else if (this.#running?.restores.fallBack() === true) {
      this.#handle({ kind: 'start-anew', error });
    } else if (!this.#isOver) {
      this.#setAside(error);
    }
  }

  async #recordGeneration(start: GenerationStart): Promise<void> {
    try {
      const plan = await present(this.#running, 'running job').recordGeneration(start, this.#core.restarts);
      this.#post(() => {
        this.#recorded = plan;
        this.#handle({ kind: 'generation-recorded', generation: start.generation });
      });
    } catch (error) {
      this.#post(() => this.#restoreRefused(errorInfo(error)));
    }
  }

  #taskSwitched(action: ActionOf<'task-switched'>): void {
    const { index, to } = action;
    const execution = present(this.#core.executions[index], 'execution');
    const attempt = present(execution.id, 'attempt');
    const coordinator = this.#running?.coordinator;
    if (to === 'DEPLOYING') {
      this.#metrics.delete(index);
    } else if (to === 'RUNNING') {
      coordinator?.handle({ kind: 'task-running', attempt });
    } else if (to === 'FINISHED') {
      coordinator?.handle({ kind: 'task-finished', attempt });
    }
    if (!execution.isLive) {
      this.#executors.ended(attempt);
    }
    this.#journal.taskSwitched(execution, action);
  }

  async #end({ status, error }: ActionOf<'ended'>): Promise<void> {
    const savepoint = this.#savepoint === undefined ? {} : { savepoint: this.#savepoint };
    const told = { restarts: this.#core.restarts.total, ...savepoint, ...(error === undefined ? {} : { error }) };
    this.#resolve(await this.#jobEnd.carryOut(this.#running, status as JobResult['status'], told));
  }
}
