import type { CheckpointIdCounter } from '../../../coordination/checkpoint-id-counter.ts';
import type { CompletedCheckpointStore } from '../../../coordination/completed-checkpoint-store.ts';
import type { JobRecordStore, RecordedTaskManager } from '../../../coordination/job-record-store.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { AttemptRef, JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { EnumeratorFactory } from '../../../pipeline/connectors/source.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { Fence, JobProgram, TaskMetrics } from '../../protocol/task-commands.ts';
import type { CheckpointStatisticsSnapshot } from '../checkpoint-coordinator/checkpoint-statistics.ts';
import type { CheckpointStorage } from '../checkpoint-coordinator/checkpoint-storage.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import type { RestartStrategyOptions } from '../failover/restart-strategy.ts';
import type { RestorePoint } from '../scheduler/restore-plan.ts';
import type { HeldSlots, SlotProvider, SlotRef } from '../scheduler/slot-table.ts';
import type { UserCodeOptions } from '../split-coordination/user-code-thread.ts';
import type { ExecutionState } from './execution.ts';
import type { HeardIds } from './forgotten-checkpoint.ts';
import type { JobStatus } from './job-status.ts';
import type { TaskExecutorLookup } from './task-executors.ts';

/** How the job starts for the first time. */
export interface InitialRestore extends RestorePoint {
  readonly allowNonRestoredState: boolean;
}

export interface JobMasterOptions {
  readonly jobId: JobId;
  readonly graph: JobGraph;
  readonly graphVersion: number;
  readonly program: JobProgram;
  /** On every command (I2); its epoch is that of the generations. */
  readonly fence: Fence;
  readonly slots: SlotProvider;
  /** What the JobMaster had that this one takes the place of, where it is the same leader's. */
  readonly heldSlots?: HeldSlots | undefined;
  /** The data port of a slot's thread; missing: all are of the one TaskManager, which knows its threads. */
  readonly locateSlot?: ((slot: SlotRef) => DataLocation) | undefined;
  readonly executors: TaskExecutorLookup;
  /** Where an instance answers hellos; missing: all runs in one process. */
  readonly taskManagerAddress?: (instanceId: string) => string | undefined;
  /**
   * Who may run what a leader before this one started: whoever is proven gone is reported as lost, so that nobody waits for it
   * (R11). Missing: the time decides.
   */
  readonly awaited?: (taskManagers: readonly RecordedTaskManager[]) => void;
  /** `jobmanager.reconcile.timeout`: how long a new leader waits for TaskManagers to report. */
  readonly reconcileTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly storage: CheckpointStorage;
  /** `<checkpoints.dir>/<job id>`, absolute; `undefined`: no checkpoints, only savepoints. */
  readonly checkpointFolder: string | undefined;
  readonly checkpoints: CompletedCheckpointStore;
  readonly checkpointIds: CheckpointIdCounter;
  readonly records: Pick<JobRecordStore, 'read' | 'recordGeneration' | 'recordIntent' | 'settleIntent'>;
  /** Ours, which run beside the JobMaster. */
  readonly enumerators: readonly EnumeratorFactory[];
  /** Runs the enumerators that sources bring along (R13); `undefined`: the job has none. */
  readonly userCode: UserCodeOptions | undefined;
  /** Where the job starts when the store points to no checkpoint of it. */
  readonly restore: InitialRestore | undefined;
  /** `undefined`: what applies when nothing is set. */
  readonly restartStrategy: RestartStrategyOptions | undefined;
  /** `jobmanager.execution.failover-strategy`. */
  readonly failover: 'region' | 'full';
  /** Writes the result of a job that has ended, before anything of it goes (R9); missing: nobody asks for it later. */
  readonly persistResult?: (result: JobResult) => Promise<void>;
  /**
   * What the job starts from cannot be read: whether that is no reason to fail (R5). Then the JobMaster is SUSPENDED, running tasks
   * go on. Missing: it is one.
   */
  readonly isSetAside?: (error: ErrorInfo) => boolean;
  /**
   * The store is older than what a TaskManager has heard (R12): another JobMaster is made, with this, and this one is SUSPENDED.
   * Missing: this one goes on, and restores nothing until a full checkpoint is complete.
   */
  readonly storeWentBack?: (heard: HeardIds) => void;
  /** What a JobMaster before this one heard of checkpoints that the store does not know. */
  readonly heard?: HeardIds | undefined;
  /** `execution.state-recovery.allow-older-checkpoint`: an older one is taken although output is written again. */
  readonly allowOlderCheckpoint?: boolean;
  readonly listener?: JobListener;
}

/** What whoever started the job may want to hear. */
export interface JobListener {
  statusChanged?(from: JobStatus, to: JobStatus): void;
  taskChanged?(attempt: AttemptRef, name: string, state: ExecutionState, error: ErrorInfo | undefined): void;
  checkpointCompleted?(checkpoint: CompletedCheckpoint): void;
}

export interface JobResult {
  readonly jobId: JobId;
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED' | 'SUSPENDED';
  /** Why it FAILED; the first failure is at the end of the causes. */
  readonly error?: ErrorInfo;
  /** The savepoint that a stop ended with: its folder. */
  readonly savepoint?: string;
  readonly restarts: number;
  readonly durationMs: number;
}

/** The job at this moment, for display. */
export interface JobOverview {
  readonly jobId: JobId;
  readonly name: string;
  readonly status: JobStatus;
  readonly startedMs: number;
  readonly restarts: number;
  readonly latestFailure: ErrorInfo | undefined;
  readonly tasks: readonly TaskOverview[];
  readonly checkpoints: CheckpointStatisticsSnapshot | undefined;
}

export interface TaskOverview {
  readonly vertex: string;
  readonly name: string;
  readonly subtask: number;
  readonly state: ExecutionState;
  /** Counts from 1; 0 before the first start. */
  readonly attempt: number;
  readonly metrics: TaskMetrics | undefined;
}
