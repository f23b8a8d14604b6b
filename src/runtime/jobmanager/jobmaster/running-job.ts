import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, checkpointId, type AttemptId, type Generation } from '../../../foundation/common/ids.ts';
import type { TaskCommand } from '../../protocol/task-commands.ts';
import { CheckpointCoordinator } from '../checkpoint-coordinator/checkpoint-coordinator.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { DeploymentBuilder } from '../scheduler/deployments.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import { SlotAssignment } from '../scheduler/slot-assignment.ts';
import { SplitCoordinator } from '../split-coordination/split-coordinator.ts';
import type { GenerationStart } from './job-event.ts';
import type { JobMasterOptions } from './job-master-options.ts';
import { carriedOf, planOf, recover, type Recovery } from './recovery.ts';

/** What the JobMaster does for the parts of a running job. */
export interface RunningJobHost {
  /** The attempt to talk to; `undefined` while the subtask is not deployed or its region is going down. */
  activeAttempt(index: number): AttemptId | undefined;
  command(attempt: AttemptId, command: TaskCommand): void;
  completed(checkpoint: CompletedCheckpoint): void;
  failJob(error: ErrorInfo): void;
  /** See `CoordinatorHost.changed`. */
  coordinatorChanged(): void;
}

const DEFAULT_CHECKPOINT_TIMEOUT_MS = 600_000;

/** The parts of a job that exist once it is known what it starts from: checkpoints, splits, deployments. */
export class RunningJob {
  readonly coordinator: CheckpointCoordinator;
  readonly splits: SplitCoordinator;
  readonly #options: JobMasterOptions;
  readonly #execution: ExecutionGraph;
  readonly #recovery: Recovery;
  readonly #host: RunningJobHost;
  readonly #deployments: DeploymentBuilder;

  /** Rejects when stores or files cannot be read, the state does not fit, or slots are missing. */
  static async create(options: JobMasterOptions, execution: ExecutionGraph, host: RunningJobHost): Promise<RunningJob> {
    const slots = new SlotAssignment(options.graph, options.slots);
    const { checkpoints, checkpointIds, storage, restore } = options;
    const recovery = await recover(execution, checkpoints, checkpointIds, storage, restore);
    return new RunningJob(options, execution, slots, recovery, host);
  }

  private constructor(
    options: JobMasterOptions,
    execution: ExecutionGraph,
    slots: SlotAssignment,
    recovery: Recovery,
    host: RunningJobHost,
  ) {
    const { program, checkpointFolder, locateSlot: locate } = options;
    this.#options = options;
    this.#execution = execution;
    this.#recovery = recovery;
    this.#host = host;
    this.#deployments = new DeploymentBuilder({ execution, slots, locate, program, checkpointFolder });
    const plan = planOf(execution, recovery.completed, recovery.initial);
    this.coordinator = this.#createCoordinator(plan);
    this.splits = this.#createSplits();
  }

  /** The newest generation that made something this job may restore. */
  get restoredGeneration(): Generation {
    const plan = planOf(this.#execution, this.#recovery.completed, this.#recovery.initial);
    return plan?.point.metadata.generation ?? { epoch: 0, number: 0 };
  }

  /** Chooses what to restore and writes the generation to the job's record (R1). */
  async recordGeneration({ generation, attempts }: GenerationStart): Promise<RestorePlan | undefined> {
    const plan = planOf(this.#execution, this.coordinator.completed, this.#recovery.initial);
    const restored = plan === undefined ? undefined : checkpointId(plan.point.metadata.checkpointId);
    await this.#options.records.recordGeneration({
      generation,
      graphVersion: this.#options.graphVersion,
      restored,
      subtasks: [...attempts.values()].map(({ vertex, subtask }) => `${vertex}/${subtask}`),
    });
    return plan;
  }

  /** `plan`: what was chosen when the generation was recorded. */
  deploy(start: GenerationStart, plan: RestorePlan | undefined): void {
    const { attempts, generation } = start;
    const { fence, gateway, jobId, logger } = this.#options;
    if (plan === undefined) {
      logger.info(`Starting job ${jobId} without state`);
    } else {
      const { metadata, metadataPath } = plan.point;
      logger.info(`Starting to restore from ${metadata.kind} ${metadata.checkpointId} at ${metadataPath}`);
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
    const { floor } = this.coordinator;
    gateway.deploy(fence, this.#deployments.build({ attempts, plan, commitOnly, floor }));
    this.splits.readersRestarted(indices, plan);
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
      finished: carriedOf(this.#execution, plan),
      clock,
      random,
      logger,
      storage,
      store: checkpoints,
      counter: checkpointIds,
      floor: this.#recovery.floor,
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
