import { assert, present } from '../../../foundation/common/assert.ts';
import type { AttemptId, CheckpointId, OperatorId } from '../../../foundation/common/ids.ts';
import type { CheckpointTrigger } from '../../protocol/task-commands.ts';
import type { SubtaskState } from '../../state/state-handle.ts';
import type { Instant } from '../instant.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import type { Acknowledgement, CheckpointRequest } from './coordinator-event.ts';

export interface PendingOptions {
  readonly trigger: CheckpointTrigger;
  /** Who asked; `undefined` for a periodic one. */
  readonly request: CheckpointRequest | undefined;
  readonly participants: ReadonlyMap<number, AttemptId>;
  /** Subtasks that had ended when it was triggered. */
  readonly endedBefore: ReadonlySet<number>;
  readonly enumerators: ReadonlyMap<OperatorId, unknown>;
  readonly triggeredAt: Instant;
  readonly deadlineMs: number;
}

/**
 * `collecting` and `writing` may still be given up; `undecided` may not (R2): its pointer write was sent, nobody knows
 * whether it happened.
 */
export type PendingPhase = 'collecting' | 'writing' | 'undecided';

/** A checkpoint between its trigger and its end. */
export class PendingCheckpoint {
  readonly trigger: CheckpointTrigger;
  readonly request: CheckpointRequest | undefined;
  readonly participants: ReadonlyMap<number, AttemptId>;
  readonly endedBefore: ReadonlySet<number>;
  readonly enumerators: ReadonlyMap<OperatorId, unknown>;
  readonly triggeredAt: Instant;
  readonly deadlineMs: number;
  phase: PendingPhase = 'collecting';
  /** What becomes complete with the pointer. */
  checkpoint: CompletedCheckpoint | undefined;
  readonly #acknowledged = new Map<number, Acknowledgement>();

  constructor(options: PendingOptions) {
    this.trigger = options.trigger;
    this.request = options.request;
    this.participants = options.participants;
    this.endedBefore = options.endedBefore;
    this.enumerators = options.enumerators;
    this.triggeredAt = options.triggeredAt;
    this.deadlineMs = options.deadlineMs;
  }

  get id(): CheckpointId {
    return this.trigger.checkpointId;
  }

  /** Acknowledgements count only from the attempts it was triggered in (R1), once. */
  acknowledge(index: number, report: Acknowledgement): void {
    assert(this.participants.get(index) === report.attempt, `${report.attempt} takes no part in checkpoint ${this.id}`);
    assert(this.phase === 'collecting', `checkpoint ${this.id} is ${this.phase}`);
    this.#acknowledged.set(index, report);
  }

  expects(index: number | undefined, attempt: AttemptId): boolean {
    return index !== undefined && this.participants.get(index) === attempt && !this.#acknowledged.has(index);
  }

  isAcknowledgedBy(index: number): boolean {
    return this.#acknowledged.has(index);
  }

  get isFullyAcknowledged(): boolean {
    return this.#acknowledged.size === this.participants.size;
  }

  get missing(): number {
    return this.participants.size - this.#acknowledged.size;
  }

  acknowledgement(index: number): Acknowledgement | undefined {
    return this.#acknowledged.get(index);
  }

  get states(): readonly SubtaskState[] {
    return [...this.#acknowledged.values()].map(({ state }) => state);
  }

  get writtenBytes(): number {
    return [...this.#acknowledged.values()].reduce((sum, { writtenBytes }) => sum + writtenBytes, 0);
  }

  /**
   * Whether the checkpoint covers the end of a subtask. A stop makes every task acknowledge its last checkpoint; there
   * only those have ended that had before: who resumes from the savepoint goes on reading.
   */
  coversEnd(index: number): boolean {
    const { final } = present(this.#acknowledged.get(index), `acknowledgement of subtask ${index}`);
    return final && (this.trigger.stop === 'no' || this.endedBefore.has(index));
  }
}
