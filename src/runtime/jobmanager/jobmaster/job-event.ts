import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { AttemptId, AttemptRef, Generation } from '../../../foundation/common/ids.ts';
import type { TaskState } from '../../protocol/task-commands.ts';
import type { ExecutionState } from './execution.ts';
import type { JobStatus } from './job-status.ts';

/** What the job's decision core hears. */
export type JobEvent =
  /** Everything is there for the first start; generations start above this one. */
  | { readonly kind: 'initialized'; readonly generationFloor: Generation }
  | RecoveredEvent
  /** From the table of a TaskManager that registered (R15). */
  | {
      readonly kind: 'attempt-reported';
      readonly attempt: AttemptRef;
      readonly state: TaskState;
      /** It cannot go on: it is ended, and its region starts anew. */
      readonly isUnfit: boolean;
      readonly error?: ErrorInfo;
    }
  /** This instance has reported all that it runs, or is gone with all of it. */
  | { readonly kind: 'task-manager-settled'; readonly taskManager: string }
  | { readonly kind: 'task-state'; readonly attempt: AttemptId; readonly state: TaskState; readonly error?: ErrorInfo }
  /** A failure of the job, not of one task. `fatal`: no restart would help. */
  | { readonly kind: 'fail'; readonly error: ErrorInfo; readonly fatal: boolean }
  /** All regions restart together, whatever the restart strategy says: what they restore is older than what some of them are. */
  | { readonly kind: 'start-anew'; readonly error: ErrorInfo }
  | { readonly kind: 'cancel' }
  /** The generation is in the job's record: it may be deployed. */
  | { readonly kind: 'generation-recorded'; readonly generation: Generation }
  /** Whether a checkpoint is undecided (R2): nobody chooses what to restore meanwhile. */
  | { readonly kind: 'undecided'; readonly undecided: boolean }
  /** The savepoint of a stop is complete: from here on tasks are only started to commit. */
  | { readonly kind: 'stop-completed' }
  | { readonly kind: 'suspend' }
  /** Another JobMaster goes on with the job in another shape: all tasks end, and with them this one (SUSPENDED). */
  | { readonly kind: 'retire' }
  | { readonly kind: 'tick' };

/** Everything is there to go on after a leader before this one: what still runs is asked for (RECONCILING). */
export interface RecoveredEvent {
  readonly kind: 'recovered';
  readonly generationFloor: Generation;
  /** The newest recorded start of each region, by region; those that never started are missing. */
  readonly regions: ReadonlyMap<number, Generation>;
  /** Subtasks that have finished, whether or not somebody reports them (R11). */
  readonly covered: ReadonlySet<number>;
  /** Attempts of older versions of the graph that may run: they are ended before anything starts (R1). */
  readonly predecessors: readonly AttemptId[];
  /** Instances that may run attempts of these generations; `undefined`: nobody knows. */
  readonly taskManagers: readonly string[] | undefined;
  /** As the job's record has them (R13). */
  readonly restartCounts: RestartCounts;
  /** Monotonic: who has not reported by then is given up. */
  readonly deadlineMs: number;
  /** A stop is complete: tasks are only started to commit. */
  readonly stopCompleted: boolean;
}

/** One start of regions. */
export interface GenerationStart {
  readonly generation: Generation;
  /** By subtask index. */
  readonly attempts: ReadonlyMap<number, AttemptRef>;
  /** Every subtask only commits what the restored savepoint lists. */
  readonly commitOnly: boolean;
}

/** What the shell carries out, in this order. */
export type JobAction =
  | { readonly kind: 'status'; readonly from: JobStatus; readonly to: JobStatus; readonly error: ErrorInfo | undefined }
  | {
      readonly kind: 'task-switched';
      readonly index: number;
      readonly from: ExecutionState;
      readonly to: ExecutionState;
      readonly error?: ErrorInfo;
    }
  /** These subtasks stop being part of checkpoints; their readers are gone. */
  | { readonly kind: 'tasks-failing'; readonly indices: readonly number[]; readonly error: ErrorInfo }
  | { readonly kind: 'cancel-tasks'; readonly attempts: readonly AttemptId[] }
  /** Choose what to restore and write the generation to the job's record (R1); `generation-recorded` answers. */
  | { readonly kind: 'record-generation'; readonly start: GenerationStart }
  | { readonly kind: 'deploy'; readonly start: GenerationStart }
  /** A region whose every subtask is accounted for: it goes on as it is (I9). By subtask index. */
  | {
      readonly kind: 'adopt';
      readonly indices: readonly number[];
      /** So many of them had finished, and nobody told of it (R11). */
      readonly unreported: number;
      readonly generation: Generation;
    }
  | {
      readonly kind: 'restart-planned';
      readonly indices: readonly number[];
      readonly delayMs: number;
      readonly error: ErrorInfo;
    }
  | { readonly kind: 'ended'; readonly status: JobStatus; readonly error: ErrorInfo | undefined };

export type ActionOf<K extends JobAction['kind']> = Extract<JobAction, { kind: K }>;
