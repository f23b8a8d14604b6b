import type { PointerWrite } from '../../../coordination/completed-checkpoint-store.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { AttemptId, CheckpointId, Generation, OperatorId } from '../../../foundation/common/ids.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import type { CheckpointTrigger, TaskReport } from '../../protocol/task-commands.ts';
import type { SubtaskState } from '../../state/state-handle.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import type { RestoreBan } from './restore-ban.ts';

/** What somebody asked for; answered once, by `answer` with the same number. */
export type CheckpointRequest =
  | { readonly request: number; readonly kind: 'checkpoint' }
  | {
      readonly request: number;
      readonly kind: 'savepoint';
      /** The savepoint's own folder. */
      readonly folder: string;
      readonly stop: CheckpointTrigger['stop'];
    };

export interface DeployedTask {
  readonly index: number;
  readonly attempt: AttemptId;
  /** It only commits: no part of any checkpoint. */
  readonly commitOnly: boolean;
}

/** A task that a leader before this one deployed and that goes on. */
export interface AdoptedTask {
  readonly index: number;
  readonly attempt: AttemptId;
  readonly state: 'starting' | 'running' | 'finished';
  /** All its input is read. */
  readonly ended: boolean;
}

export type Acknowledgement = Extract<TaskReport, { kind: 'acknowledge' }>;
export type Decline = Extract<TaskReport, { kind: 'decline' }>;

/** The snapshots of the enumerators, by operator. */
export type Enumerators = ReadonlyMap<OperatorId, unknown>;

/** What the coordinator's decision core hears. */
export type CoordinatorEvent =
  | {
      readonly kind: 'deployed';
      readonly tasks: readonly DeployedTask[];
      readonly generation: Generation;
      readonly restored: CheckpointId | undefined;
    }
  /** They are told the newest completed checkpoint again, and the floor (R10). */
  | { readonly kind: 'adopted'; readonly tasks: readonly AdoptedTask[]; readonly generation: Generation }
  /** Of the TaskManager that runs them the connection was lost and is back: what was on its way did not arrive (R15). */
  | { readonly kind: 'reconnected'; readonly attempts: readonly AttemptId[] }
  | { readonly kind: 'task-running'; readonly attempt: AttemptId }
  | { readonly kind: 'task-ended'; readonly attempt: AttemptId }
  | { readonly kind: 'task-finished'; readonly attempt: AttemptId }
  /** By subtask index: their attempts end, or did. */
  | { readonly kind: 'tasks-failing'; readonly indices: readonly number[]; readonly error: ErrorInfo }
  | { readonly kind: 'acknowledged'; readonly report: Acknowledgement }
  | { readonly kind: 'declined'; readonly report: Decline }
  | { readonly kind: 'requested'; readonly request: CheckpointRequest }
  /**
   * The id is in the store (R10), and the enumerators' snapshots are there: nothing was assigned after them (R4).
   * `undefined`: they cannot be had, for readers or enumerators failed meanwhile.
   */
  | {
      readonly kind: 'id-reserved';
      readonly checkpointId: CheckpointId;
      readonly enumerators: Enumerators | undefined;
    }
  | { readonly kind: 'id-refused'; readonly error: ErrorInfo }
  | {
      readonly kind: 'metadata-written';
      readonly checkpointId: CheckpointId;
      readonly metadata: CheckpointMetadata;
      readonly metadataPath: string;
    }
  | { readonly kind: 'metadata-refused'; readonly checkpointId: CheckpointId; readonly error: ErrorInfo }
  | { readonly kind: 'pointer-outcome'; readonly checkpointId: CheckpointId; readonly write: PointerWrite }
  /** See `RestoreBan`; a second one adds to the first. */
  | {
      readonly kind: 'restores-banned';
      readonly ban: RestoreBan;
      /** One of those that the store points to turned out to be of no use. */
      readonly broken?: CheckpointId;
    }
  /** The whole job starts from this checkpoint, an older one; it ends a ban. The store points to no later one any more. */
  | { readonly kind: 'fell-back'; readonly to: CheckpointId }
  /** The stop that a leader before this one began did not come about. */
  | { readonly kind: 'stop-given-up' }
  /** The job ends: nothing is triggered any more, what is pending is given up unless it is undecided. */
  | { readonly kind: 'shut-down'; readonly reason: string }
  | { readonly kind: 'tick' };

export type EventOf<K extends CoordinatorEvent['kind']> = Extract<CoordinatorEvent, { kind: K }>;

/** Carried state that lies in another folder than the checkpoint that will list it. */
export interface Relocation {
  readonly operatorId: string;
  readonly subtask: number;
  readonly fromFolder: string;
}

export type CheckpointAnswer =
  | { readonly outcome: 'completed'; readonly checkpoint: CompletedCheckpoint }
  | { readonly outcome: 'failed'; readonly error: ErrorInfo };

/** What the shell carries out, in this order. */
export type CoordinatorAction =
  /** Count up in the store; `id-reserved` or `id-refused` answers. */
  | { readonly kind: 'reserve-id' }
  | { readonly kind: 'trigger'; readonly attempts: readonly AttemptId[]; readonly trigger: CheckpointTrigger }
  | {
      readonly kind: 'write-metadata';
      readonly checkpointId: CheckpointId;
      readonly folder: string;
      readonly metadata: CheckpointMetadata;
      readonly relocations: readonly Relocation[];
    }
  /** From here on the checkpoint is undecided (R2) until `pointer-outcome` says otherwise. */
  | { readonly kind: 'write-pointer'; readonly checkpoint: CompletedCheckpoint }
  /** Ask the store again how the write ended. */
  | { readonly kind: 'settle-pointer'; readonly checkpoint: CompletedCheckpoint }
  | {
      readonly kind: 'announce';
      readonly what: 'completed' | 'aborted';
      readonly checkpointId: CheckpointId;
      readonly attempts: readonly AttemptId[];
    }
  /**
   * Nothing up to the highest id whose trigger may have left is acknowledged any more, unless it completed (R10). An id that
   * is being reserved is above it: its trigger comes later on the same stream.
   */
  | { readonly kind: 'release'; readonly floor: number; readonly attempts: readonly AttemptId[] }
  /** It is complete (I4): told once, before the announcements. */
  | { readonly kind: 'completed'; readonly checkpoint: CompletedCheckpoint }
  /** Beyond what is retained: delete the pointer, then the files that nothing retained refers to (I3). */
  | { readonly kind: 'retire'; readonly checkpoint: CompletedCheckpoint }
  /** Of no use, and a later one is complete: delete the pointer, then the metadata. */
  | { readonly kind: 'forget'; readonly checkpointId: CheckpointId }
  /** Delete what nothing refers to: files of older checkpoints that nobody told of. */
  | { readonly kind: 'collect' }
  /** Delete what was written for a checkpoint that will never complete. */
  | {
      readonly kind: 'discard';
      readonly checkpointId: CheckpointId;
      readonly folder: string;
      readonly savepoint: boolean;
      readonly states: readonly SubtaskState[];
    }
  | { readonly kind: 'answer'; readonly request: number; readonly answer: CheckpointAnswer }
  /** More failures than are tolerated, or a drain that did not end. */
  | { readonly kind: 'fail-job'; readonly error: ErrorInfo }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly message: string };
