import type { AttemptId, AttemptRef, CheckpointId, OperatorId, VertexId } from '../../foundation/common/ids.ts';
import type { DataLocation } from '../../foundation/common/data-location.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import type { JobGraph } from '../../pipeline/graph/job-graph.ts';
import type { OperatorSubtaskState, SubtaskState } from '../state/state-handle.ts';

export type { Fence } from '../../foundation/common/fence.ts';

/** The bundle that every process of the job imports, and what its builder gets. */
export interface JobProgram {
  /** Absolute path of the bundle's ES module on this machine. */
  readonly modulePath: string;
  readonly args: readonly string[];
  /** Values of `--env NAME`. */
  readonly env: Readonly<Record<string, string>>;
  /** Configuration that shapes the graph (default parallelism, chaining, ...). */
  readonly configuration: Readonly<Record<string, string>>;
}

/** One end of one channel. */
export interface ChannelDescriptor {
  /** Unique among all that one leader deploys of the job; across leaders the attempts tell channels apart. */
  readonly channel: number;
  readonly producer: AttemptRef;
  readonly consumer: AttemptRef;
}

/** The channels of one edge that end or begin at a subtask, by the subtask index of the other side. */
export interface EdgeChannels {
  /** `JobEdge.index`. */
  readonly edge: number;
  readonly channels: readonly ChannelDescriptor[];
}

/** State of one operator to restore, from all old subtasks that this subtask needs. */
export interface OperatorRestore {
  readonly operatorId: OperatorId;
  /** Old subtasks whose keyed state overlaps this subtask's key groups. */
  readonly states: readonly OperatorSubtaskState[];
  /** Operator state of all old subtasks: the place in the list is the old subtask, `keyed` is empty. */
  readonly operatorStates: readonly OperatorSubtaskState[];
}

export interface TaskRestore {
  readonly checkpointId: CheckpointId;
  /** The folder that relative paths of the handles start from. */
  readonly baseFolder: string;
  readonly operators: readonly OperatorRestore[];
  /**
   * The checkpoint covers the end of this task. It is deployed without channels: it restores its state, commits what that
   * lists (the process may have died between the pointer and the commit), and reports FINISHED; nothing is read, emitted
   * or ended again, no reader registers. The channels of such a task are left out at its consumers too: an edge without
   * channels has ended.
   */
  readonly commitOnly: boolean;
  /**
   * The job that took the snapshot, where this one claims it: that job is gone, so what its sinks left behind is rolled
   * back as if this job had prepared it.
   */
  readonly claimedJobId?: string;
}

/** Complete in itself: it names all producers and consumers. */
export interface TaskDeployment {
  readonly attempt: AttemptRef;
  readonly jobName: string;
  readonly graph: JobGraph;
  readonly vertex: VertexId;
  readonly program: JobProgram;
  /** Instance id of the TaskManager that it is for; `undefined`: there is one only. */
  readonly instanceId: string | undefined;
  /** A slot of that TaskManager. */
  readonly slot: number;
  /** Where the producers of the inputs are; those left out are in this process. */
  readonly producers: Readonly<Record<AttemptId, DataLocation>>;
  readonly inputs: readonly EdgeChannels[];
  readonly outputs: readonly EdgeChannels[];
  readonly restore: TaskRestore | undefined;
  /** The highest checkpoint id ever given out (R10). */
  readonly floor: number;
  /** The job's checkpoint folder, absolute. */
  readonly checkpointFolder: string | undefined;
}

export interface CheckpointTrigger {
  readonly checkpointId: CheckpointId;
  readonly timestampMs: number;
  /** The newest completed checkpoint (R6). */
  readonly base: CheckpointId | undefined;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Where the files go: the job's checkpoint folder, or the savepoint's. */
  readonly folder: string;
  /**
   * Stop with savepoint: sources read nothing after it until `completed` of this id ends the task (after its commit), or
   * `aborted` of this id lets them read on; with `drain` the input ends first, then an abort restarts the job.
   */
  readonly stop: 'no' | 'suspend' | 'drain';
}

/** What a JobMaster tells the task of an attempt, on one ordered stream. */
export type TaskCommand =
  | { readonly kind: 'trigger'; readonly trigger: CheckpointTrigger }
  | { readonly kind: 'completed'; readonly checkpointId: CheckpointId }
  | { readonly kind: 'aborted'; readonly checkpointId: CheckpointId }
  /** From a new leader, after the newest `completed`: whatever else was triggered up to this id is given up (R10). */
  | { readonly kind: 'floor'; readonly checkpointId: CheckpointId }
  | { readonly kind: 'splits'; readonly operatorId: OperatorId; readonly splits: readonly unknown[] }
  | { readonly kind: 'no-more-splits'; readonly operatorId: OperatorId }
  | { readonly kind: 'cancel' };

export type TaskState = 'DEPLOYING' | 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'CANCELED' | 'FAILED';

/** What a task reports. */
export type TaskReport =
  | { readonly kind: 'state'; readonly attempt: AttemptId; readonly state: TaskState; readonly error?: ErrorInfo }
  /** All its input is read; it waits for the checkpoint that covers its end (R11). */
  | { readonly kind: 'ended'; readonly attempt: AttemptId }
  | {
      readonly kind: 'acknowledge';
      readonly attempt: AttemptId;
      readonly checkpointId: CheckpointId;
      readonly state: SubtaskState;
      /** The task's end is covered by this checkpoint. */
      readonly final: boolean;
      readonly alignmentMs: number;
      readonly syncMs: number;
      readonly asyncMs: number;
      readonly writtenBytes: number;
    }
  | {
      readonly kind: 'decline';
      readonly attempt: AttemptId;
      readonly checkpointId: CheckpointId;
      readonly error: ErrorInfo;
    }
  | {
      readonly kind: 'reader-registered';
      readonly attempt: AttemptId;
      readonly operatorId: OperatorId;
      readonly held: readonly unknown[];
    }
  | { readonly kind: 'split-request'; readonly attempt: AttemptId; readonly operatorId: OperatorId };

/** A split that a reader was handed, and the newest checkpoint whose trigger went to its task before (R4). */
export interface AcceptedSplit {
  readonly split: unknown;
  readonly afterCheckpoint: number;
}

/** A reader that has registered. */
export interface ReaderReport {
  readonly operatorId: OperatorId;
  /** Since `AttemptReport.acceptedSince`; those that are read to their end too. */
  readonly accepted: readonly AcceptedSplit[];
  /** How often it asked for a split and got no answer. */
  readonly requests: number;
  /** It was told that there are no more. */
  readonly noMoreSplits: boolean;
}

/** A line of a TaskManager's table of attempts: the truth about what runs (R15). */
export interface AttemptReport {
  readonly attempt: AttemptRef;
  readonly slot: number;
  readonly state: TaskState;
  readonly error?: ErrorInfo;
  /** All its input is read (R11), not only what came before a stop with drain. */
  readonly ended: boolean;
  /** A stop with drain ended its input: it goes on only with that stop. */
  readonly drained: boolean;
  /** All splits that its readers got since this checkpoint are listed; 0: since its start. Missing: nobody knows. */
  readonly acceptedSince?: number;
  /** The newest checkpoint that its task knows to be complete: the one that it restored, at first; 0: none. */
  readonly completedId: number;
  /** The highest checkpoint id that its task has heard of (R10). */
  readonly highestId: number;
  readonly readers: readonly ReaderReport[];
}

/** Numbers of one attempt, sent about once a second. */
export interface TaskMetrics {
  readonly attempt: AttemptId;
  readonly recordsIn: number;
  /** Records that a source of this task has read; 0 for other tasks. */
  readonly recordsFromSource: number;
  /** Records sent over exchanges. */
  readonly recordsOut: number;
  /** Records that reached a sink operator of the chain. */
  readonly recordsToSinks: number;
  /** What operators count beside that (`Operator.counters`), by operator id and Flink's name of the metric; those that do. */
  readonly counters: Readonly<Record<OperatorId, Readonly<Record<string, number>>>>;
  /** Since the start: working, waiting for input, waiting for credit. */
  readonly busyMs: number;
  readonly idleMs: number;
  readonly backpressuredMs: number;
  /** The longest synchronous part of a checkpoint since the last report. */
  readonly longestPauseMs: number;
}

/** How a JobMaster reaches the TaskManager that runs its tasks. Commands may arrive twice (R15). */
export interface TaskExecutorGateway {
  deploy(fence: Fence, deployments: readonly TaskDeployment[]): void;
  command(fence: Fence, attempt: AttemptId, command: TaskCommand): void;
}

/** How a TaskManager reaches the JobMaster. */
export interface JobMasterGateway {
  report(report: TaskReport): void;
  metrics(metrics: readonly TaskMetrics[]): void;
}
