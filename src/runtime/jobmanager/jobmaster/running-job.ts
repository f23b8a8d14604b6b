import type { JobIntent } from '../../../coordination/job-record-store.ts';
import { OneAfterTheOther } from '../../../coordination/records/one-after-the-other.ts';
import { errorInfo, type ErrorInfo } from '../../../foundation/common/errors.ts';
import { present } from '../../../foundation/common/assert.ts';
import {
  attemptId,
  checkpointId,
  compareGenerations,
  type AttemptId,
  type AttemptRef,
  type Generation,
} from '../../../foundation/common/ids.ts';
import type { AttemptReport, TaskCommand, TaskDeployment, TaskReport } from '../../protocol/task-commands.ts';
import { CheckpointCoordinator } from '../checkpoint-coordinator/checkpoint-coordinator.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import type { RestartLedger } from '../failover/restart-ledger.ts';
import { instantOf } from '../instant.ts';
import { DeploymentBuilder, type RegionStart } from '../scheduler/deployments.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import { SlotTable } from '../scheduler/slot-table.ts';
import { SplitCoordinator } from '../split-coordination/split-coordinator.ts';
import type { Execution } from './execution.ts';
import type { GenerationStart, JobEvent } from './job-event.ts';
import { LOST } from './job-failure.ts';
import type { JobMasterOptions } from './job-master-options.ts';
import {
  attemptsOf,
  awaitedTaskManagers,
  carriedOf,
  firstDueInMs,
  planOf,
  recover,
  type Recovery,
} from './recovery.ts';
import { RestoreChoice } from './restore-choice.ts';
import { StoreAge } from './store-age.ts';
import type { Place } from './task-executors.ts';

/** What the JobMaster does for the parts of a running job. */
export interface RunningJobHost {
  /** The attempt to talk to; `undefined` while the subtask is not deployed or its region is going down. */
  activeAttempt(index: number): AttemptId | undefined;
  /** The subtask whose attempt to talk to this is. */
  activeIndex(attempt: AttemptId): number | undefined;
  /** Where it runs, and what its TaskManager told of it. */
  placeOf(attempt: AttemptId): Place | undefined;
  deploy(taskManager: string, deployments: readonly TaskDeployment[]): void;
  /** Nothing of these was sent, and will not be. */
  notDeployed(attempts: readonly AttemptId[], error: ErrorInfo): void;
  command(attempt: AttemptId, command: TaskCommand): void;
  completed(checkpoint: CompletedCheckpoint): void;
  failJob(error: ErrorInfo): void;
  /** It cannot go on under this JobMaster (R5). */
  setAside(error: ErrorInfo): void;
  /** Nothing of it may start from what there is: it starts from something older, or is set aside (R5). */
  restoreRefused(error: ErrorInfo): void;
  /** See `CoordinatorHost.changed`. */
  coordinatorChanged(): void;
}

const DEFAULT_CHECKPOINT_TIMEOUT_MS = 600_000;

/** The parts of a job that exist once it is known what it starts from: checkpoints, splits, deployments. */
export class RunningJob {
  readonly slots: SlotTable;
  readonly coordinator: CheckpointCoordinator;
  readonly splits: SplitCoordinator;
  readonly restores: RestoreChoice;
  readonly storeAge: StoreAge;
  readonly #options: JobMasterOptions;
  readonly #execution: ExecutionGraph;
  readonly #recovery: Recovery;
  readonly #host: RunningJobHost;
  readonly #deployments: DeploymentBuilder;
  #recording: Promise<unknown> = Promise.resolve();
  /** What somebody wants to start, by subtask index. */
  readonly #newest = new Map<number, GenerationStart>();
  readonly #writing = new OneAfterTheOther();

  /** Rejects when stores or files cannot be read, the state does not fit, or slots are missing. */
  static async create(options: JobMasterOptions, execution: ExecutionGraph, host: RunningJobHost): Promise<RunningJob> {
    const recovery = await recover(execution, options);
    options.awaited?.(awaitedTaskManagers(execution, recovery));
    return new RunningJob(options, execution, recovery, host);
  }

  private constructor(options: JobMasterOptions, execution: ExecutionGraph, recovery: Recovery, host: RunningJobHost) {
    const { program, checkpointFolder, locateSlot: locate } = options;
    this.#options = options;
    this.#execution = execution;
    this.#recovery = recovery;
    this.#host = host;
    this.slots = new SlotTable(execution, options.slots, options.heldSlots);
    this.#deployments = new DeploymentBuilder({ execution, slots: this.slots, locate, program, checkpointFolder });
    const plan = planOf(execution, recovery.completed, recovery.initial);
    this.coordinator = this.#createCoordinator(plan);
    this.restores = new RestoreChoice({
      job: options,
      execution,
      recovery,
      coordinator: this.coordinator,
      activeIndex: (attempt) => host.activeIndex(attempt),
    });
    this.storeAge = new StoreAge({ job: options, execution, recovery, coordinator: this.coordinator, host });
    this.splits = this.#createSplits();
    const mayGoOn = [...recovery.started.regions.keys()].flatMap((region) => execution.regions[region] ?? []);
    this.splits.recovering(mayGoOn, plan);
  }

  /** What was asked of a leader before this one and is still to be done (R7). */
  get intent(): JobIntent {
    return this.stoppedAt === undefined ? this.#recovery.intent : { kind: 'run' };
  }

  /** A stop with drain is under way, also from before this leader. */
  get isDraining(): boolean {
    const { intent } = this;
    return this.coordinator.isDraining || (intent.kind === 'stop' && intent.drain);
  }

  /** The savepoint of a stop that was complete when this leader came. */
  get stoppedAt(): string | undefined {
    const newest = this.#recovery.completed.at(-1);
    return newest?.kind === 'savepoint' ? newest.baseFolder : undefined;
  }

  /** What the job begins with. */
  get firstEvent(): JobEvent {
    const plan = planOf(this.#execution, this.#recovery.completed, this.#recovery.initial);
    const restored = plan?.point.metadata.generation ?? { epoch: 0, number: 0 };
    const { regions, newest, predecessors } = this.#recovery.started;
    const generationFloor = newest === undefined || compareGenerations(newest, restored) < 0 ? restored : newest;
    const { clock, reconcileTimeoutMs } = this.#options;
    return {
      kind: 'recovered',
      generationFloor,
      regions: new Map([...regions].map(([region, start]) => [region, start.generation])),
      covered: this.#recovery.covered,
      predecessors: attemptsOf(this.#options.jobId, predecessors),
      taskManagers: awaitedTaskManagers(this.#execution, this.#recovery).map(({ instanceId }) => instanceId),
      restartCounts: this.#recovery.restartCounts,
      deadlineMs: clock.monotonic() + reconcileTimeoutMs,
      stopCompleted: this.stoppedAt !== undefined,
    };
  }

  /** What a task says of anything but its state. */
  reported(report: Exclude<TaskReport, { kind: 'state' }>): void {
    const index = this.#host.activeIndex(report.attempt);
    switch (report.kind) {
      case 'acknowledge':
        return this.coordinator.handle({ kind: 'acknowledged', report });
      case 'decline':
        return this.coordinator.handle({ kind: 'declined', report });
      case 'ended':
      case 'reader-registered':
      case 'split-request':
        if (index === undefined) {
          // Of a region of which others have not reported yet: no task says it twice.
          this.#host.placeOf(report.attempt)?.told.push(report);
        } else if (report.kind === 'ended') {
          this.coordinator.handle({ kind: 'task-ended', attempt: report.attempt });
        } else {
          this.splits.readerSaid(index, report);
        }
    }
  }

  /**
   * A TaskManager runs it there; what was cancelled or failed has no slot any more, but its state may be there. `isCurrent`: the
   * subtask has no later attempt, and has not given this one up. A TaskManager that was taken for dead comes back with those.
   */
  slotReported({ attempt, slot, state }: AttemptReport, taskManager: string, isCurrent: boolean): void {
    const isOfThisGraph = attempt.graphVersion === this.#options.graphVersion;
    const hasNoSlot = state === 'CANCELED' || state === 'FAILED';
    if (isOfThisGraph && hasNoSlot) {
      const index = this.#execution.indexOf(attempt.vertex, attempt.subtask);
      this.slots.ranAt(index, { taskManager, slot }, attempt.generation);
    } else if (isOfThisGraph && isCurrent) {
      this.slots.adopt(this.#execution.indexOf(attempt.vertex, attempt.subtask), { taskManager, slot });
    } else if (!hasNoSlot) {
      this.slots.stray(attemptId(attempt), { taskManager, slot });
      if (state === 'FINISHED') {
        this.slots.strayEnded(attemptId(attempt));
      }
    }
  }

  /**
   * Waits for slots, chooses what to restore and writes the generation to the job's record (R1). Rejects with JOB_SET_ASIDE where
   * nothing may be restored.
   */
  recordGeneration(start: GenerationStart, restarts: RestartLedger): Promise<RestorePlan | undefined> {
    start.attempts.forEach((_, index) => this.#newest.set(index, start));
    const recorded = this.#recordGeneration(start, restarts).catch((thrown: unknown) => {
      if (this.#isWanted(start)) {
        throw thrown;
      }
      return undefined;
    });
    this.#recording = Promise.allSettled([this.#recording, recorded]);
    return recorded;
  }

  async #recordGeneration(start: GenerationStart, restarts: RestartLedger): Promise<RestorePlan | undefined> {
    this.restores.requireAllowed();
    await this.slots.acquire(start.attempts.keys());
    return this.#writing.run(() => this.#writeGeneration(start, restarts));
  }

  /** Some of its subtasks have no later start. */
  #isWanted(start: GenerationStart): boolean {
    return start.attempts.keys().some((index) => this.#newest.get(index) === start);
  }

  async #writeGeneration(start: GenerationStart, restarts: RestartLedger): Promise<RestorePlan | undefined> {
    if (!this.#isWanted(start)) {
      return undefined;
    }
    const { generation } = start;
    const attempts = new Map([...start.attempts].filter(([index]) => this.#newest.get(index) === start));
    const plan = this.restores.choose();
    const restored = plan === undefined ? undefined : checkpointId(plan.point.metadata.checkpointId);
    const { records, graphVersion, clock, taskManagerAddress } = this.#options;
    const subtasks = [...attempts.values()].map(({ vertex, subtask }) => `${vertex}/${subtask}`);
    const taskManagers = this.slots.taskManagersOf(attempts.keys()).map((instanceId) => {
      const rpcAddress = taskManagerAddress?.(instanceId);
      return rpcAddress === undefined ? { instanceId } : { instanceId, rpcAddress };
    });
    const record = { generation, graphVersion, restored, subtasks, taskManagers };
    await records.recordGeneration(record, restarts.counts(instantOf(clock)));
    await this.restores.recorded();
    return plan;
  }

  /**
   * `plan`: what was chosen when the generation was recorded. If a TaskManager has gone since then, nothing is sent, as the
   * others would look for those that are missing.
   */
  deploy(start: GenerationStart, plan: RestorePlan | undefined): void {
    const { attempts, generation } = start;
    const { jobId, logger } = this.#options;
    this.storeAge.deployed();
    if (plan === undefined) {
      logger.info(`Starting job ${jobId} without state`);
    } else {
      const { metadata, metadataPath } = plan.point;
      logger.info(`Restoring job ${jobId} from ${metadata.kind} ${metadata.checkpointId} located at ${metadataPath}`);
    }
    const commitOnly = start.commitOnly ? new Set(attempts.keys()) : (plan?.finished ?? new Set<number>());
    const indices = [...attempts.keys()];
    this.coordinator.handle({
      kind: 'deployed',
      generation,
      restored: plan === undefined ? undefined : checkpointId(plan.point.metadata.checkpointId),
      tasks: [...attempts].map(([index, ref]) => ({
        index,
        attempt: attemptId(ref),
        commitOnly: commitOnly.has(index),
      })),
    });
    this.restores.deployed(indices, plan);
    this.#deploy({ attempts, plan, commitOnly, floor: this.coordinator.floor });
    this.splits.readersRestarted(indices, plan, commitOnly);
  }

  /** Sends all or nothing. What nobody runs nobody will ever report to have ended: it has failed. */
  #deploy(start: RegionStart): void {
    const notSent = (error: ErrorInfo): void =>
      this.#host.notDeployed([...start.attempts.values()].map(attemptId), error);
    if (![...start.attempts.keys()].every((index) => this.#isReachable(index))) {
      return notSent(LOST);
    }
    try {
      const deployments = this.#deployments.build(start);
      const byTaskManager = Map.groupBy(deployments, ({ attempt }) => this.#taskManagerOf(attempt));
      byTaskManager.forEach((own, taskManager) => this.#host.deploy(taskManager, own));
    } catch (thrown) {
      notSent(errorInfo(thrown));
    }
  }

  #isReachable(index: number): boolean {
    const taskManager = this.slots.find(this.#execution.subtask(index))?.taskManager;
    return taskManager !== undefined && this.#options.executors(taskManager) !== undefined;
  }

  /** Nothing waits for slots any more, and no start is written that waits for its turn: who loads the job anew counts from the record. */
  withdraw(): void {
    this.#newest.clear();
    this.slots.close();
  }

  /** Resolves when nothing that it began to write is on its way any more. Nothing of it runs. */
  async close(reason: string): Promise<void> {
    this.slots.close();
    await Promise.all([this.coordinator.close(reason), this.#recording]);
  }

  /**
   * Regions that went on without a leader. Throws JOB_SET_ASIDE where too little is known of what they did since the newest
   * checkpoint that can be used.
   */
  adopt(generation: Generation, executions: readonly Execution[]): void {
    const tasks = executions.map((execution) => {
      const place = this.#host.placeOf(present(execution.id, 'attempt'));
      return { execution, report: place?.report, told: place?.told.splice(0) ?? [] };
    });
    this.restores.requireKnown(tasks);
    for (const { execution, report } of tasks) {
      this.splits.readersReported(execution.subtask.index, report?.readers ?? [], execution.state === 'FINISHED');
    }
    this.coordinator.handle({
      kind: 'adopted',
      generation,
      tasks: tasks.map(({ execution, report }) => ({
        index: execution.subtask.index,
        attempt: present(execution.id, 'attempt'),
        state: execution.state === 'FINISHED' ? 'finished' : execution.state === 'RUNNING' ? 'running' : 'starting',
        ended: report?.ended === true,
      })),
    });
    tasks.forEach(({ told }) => told.forEach((report) => this.reported(report)));
  }

  /** Their TaskManager registered with this leader before: what was on its way either way comes again (R15). */
  reconnected(reports: readonly AttemptReport[]): void {
    for (const { attempt, readers, ended } of reports) {
      this.splits.readersReported(this.#execution.indexOf(attempt.vertex, attempt.subtask), readers, false);
      if (ended) {
        this.coordinator.handle({ kind: 'task-ended', attempt: attemptId(attempt) });
      }
    }
    this.coordinator.handle({ kind: 'reconnected', attempts: reports.map(({ attempt }) => attemptId(attempt)) });
  }

  #taskManagerOf({ vertex, subtask }: AttemptRef): string {
    return this.slots.slotOf(this.#execution.subtask(this.#execution.indexOf(vertex, subtask))).taskManager;
  }

  #createSplits(): SplitCoordinator {
    const { enumerators, userCode, clock } = this.#options;
    return new SplitCoordinator({
      execution: this.#execution,
      factories: enumerators,
      userCode,
      clock,
      command: (index, command) => {
        const attempt = this.#host.activeAttempt(index);
        if (attempt !== undefined) {
          this.#host.command(attempt, command);
        }
      },
      fail: (error) => this.#host.failJob(error),
    });
  }

  #createCoordinator(plan: RestorePlan | undefined): CheckpointCoordinator {
    const { jobId, graph, checkpointFolder, clock, random, logger, storage, checkpoints, checkpointIds } =
      this.#options;
    const { checkpointing } = graph;
    const firstDue = firstDueInMs(this.#recovery, checkpointing?.intervalMs, clock.now());
    return new CheckpointCoordinator({
      jobId,
      execution: this.#execution,
      settings: {
        intervalMs: checkpointing?.intervalMs,
        minPauseMs: checkpointing?.minPauseMs ?? 0,
        timeoutMs: checkpointing?.timeoutMs ?? DEFAULT_CHECKPOINT_TIMEOUT_MS,
        tolerableFailures: checkpointing?.tolerableFailures ?? 0,
        numRetained: checkpointing?.numRetained ?? 1,
      },
      checkpointFolder,
      completed: this.#recovery.completed,
      broken: this.#recovery.broken.map((one) => one.checkpointId),
      finished: carriedOf(this.#execution, plan),
      clock,
      random,
      logger,
      storage,
      store: checkpoints,
      counter: checkpointIds,
      floor: this.#recovery.floor,
      isStopping: this.intent.kind === 'stop',
      firstDueMs: firstDue === undefined ? undefined : clock.monotonic() + firstDue,
      host: {
        snapshotEnumerators: (id, done) => this.splits.snapshot(id, done),
        command: (attempt, command) => this.#host.command(attempt, command),
        completed: (checkpoint) => this.#host.completed(checkpoint),
        failJob: (error) => this.#host.failJob(error),
        changed: () => this.#host.coordinatorChanged(),
      },
    });
  }
}
