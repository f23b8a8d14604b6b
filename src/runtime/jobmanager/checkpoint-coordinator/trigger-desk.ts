import { present } from '../../../foundation/common/assert.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { CheckpointSchedule } from './checkpoint-schedule.ts';
import type { CheckpointRequest, CoordinatorAction } from './coordinator-event.ts';
import { failure, neverStarted, STOPPED } from './coordinator-messages.ts';
import { RequestQueue } from './request-queue.ts';
import type { TaskRoster } from './task-roster.ts';

export interface TriggerDeskOptions {
  readonly execution: ExecutionGraph;
  readonly roster: TaskRoster;
  readonly intervalMs: number | undefined;
  readonly minPauseMs: number;
  readonly timeoutMs: number;
  /** See `CheckpointSchedulePlan`. */
  readonly firstDueMs: number | undefined;
  readonly hasCheckpointFolder: boolean;
  /** A leader before this one began to stop the job: nothing is triggered by the interval until that was tried again. */
  readonly isStopping: boolean;
  /** The savepoint of a stop is complete. */
  readonly isStopped: boolean;
  /** A checkpoint is wanted whatever interval and pause say. */
  readonly isUrgent: () => boolean;
  readonly emit: (action: CoordinatorAction) => void;
}

/** Decides what is triggered next and when: by the interval, or because somebody asked. All times are monotonic. */
export class TriggerDesk {
  readonly #options: TriggerDeskOptions;
  readonly #schedule: CheckpointSchedule;
  readonly #queue: RequestQueue;
  /** Its id is being counted up in the store (R10). */
  #reserving: { readonly request: CheckpointRequest | undefined } | undefined;
  #closed: string | undefined;
  #isStopping: boolean;

  constructor(options: TriggerDeskOptions) {
    this.#isStopping = options.isStopping;
    this.#closed = options.isStopped ? STOPPED : undefined;
    this.#options = options;
    this.#schedule = new CheckpointSchedule(options);
    this.#queue = new RequestQueue(options);
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  nextWakeMs(isFree: boolean): number {
    const { roster } = this.#options;
    const canTrigger = isFree && this.#reserving === undefined && !this.isClosed && roster.canTrigger;
    return Math.min(
      canTrigger && !this.#isStopping ? this.#nextMs : Number.POSITIVE_INFINITY,
      this.#queue.nextDeadlineMs,
    );
  }

  get #nextMs(): number {
    const { hasCheckpointFolder, isUrgent, roster } = this.#options;
    return hasCheckpointFolder && isUrgent() ? this.#schedule.urgentMs : this.#schedule.nextMs(roster.allEnded);
  }

  request(request: CheckpointRequest, pending: CheckpointRequest | undefined, nowMs: number): void {
    const refusal =
      this.#closed === undefined
        ? this.#queue.refusal(request, this.#reserving?.request ?? pending)
        : failure('JOB_ENDED', this.#closed);
    if (refusal === undefined) {
      this.#queue.add(request, nowMs + this.#options.timeoutMs);
    } else {
      this.refuse(request, refusal);
    }
  }

  /** Nothing is in flight: reserves an id when something is due. */
  reserveNext(nowMs: number): void {
    const { roster, emit } = this.#options;
    if (this.isClosed || this.#reserving !== undefined) {
      return;
    }
    if (roster.allFinished) {
      this.#refuseAll(failure('JOB_ENDED', 'all tasks have ended, the job is about to finish'));
    } else if (roster.canTrigger) {
      this.#schedule.running(nowMs);
      const request = this.#queue.next();
      if (request !== undefined || (!this.#isStopping && this.#nextMs <= nowMs)) {
        this.#reserving = { request };
        emit({ kind: 'reserve-id' });
      }
    }
  }

  /**
   * The id is there: whether it is still wanted, and by whom (`undefined`: the interval). `isUsable`: the enumerators'
   * snapshots for it are there too.
   */
  reserved(nowMs: number, isUsable: boolean): { readonly request: CheckpointRequest | undefined } | undefined {
    const reserved = present(this.#reserving, 'reservation');
    this.#reserving = undefined;
    if (isUsable && this.#closed === undefined && this.#options.roster.canTrigger) {
      return reserved;
    }
    if (reserved.request !== undefined && this.#closed === undefined) {
      // Tasks went away while the id was counted up.
      this.#queue.putBack(reserved.request, nowMs + this.#options.timeoutMs);
    } else if (reserved.request !== undefined) {
      this.refuse(reserved.request, failure('JOB_ENDED', present(this.#closed, 'reason')));
    }
    return undefined;
  }

  stopGivenUp(): void {
    this.#isStopping = false;
  }

  idRefused(error: ErrorInfo, nowMs: number): void {
    const { request } = present(this.#reserving, 'reservation');
    this.#reserving = undefined;
    this.#options.emit({ kind: 'log', level: 'warn', message: `There is no checkpoint id: ${error.message}` });
    this.#schedule.triggered(nowMs);
    this.#schedule.decided(nowMs, false);
    if (request !== undefined) {
      this.refuse(request, error);
    }
  }

  /** A checkpoint, not a savepoint: the interval begins anew. */
  triggered(nowMs: number): void {
    this.#schedule.triggered(nowMs);
  }

  decided(nowMs: number, completed: boolean): void {
    this.#schedule.decided(nowMs, completed);
  }

  expire(nowMs: number): void {
    const { execution, roster } = this.#options;
    for (const request of this.#queue.takeExpired(nowMs)) {
      this.refuse(request, neverStarted(execution, roster.notRunning));
    }
  }

  close(reason: string): void {
    this.#closed ??= reason;
    this.#refuseAll(failure('JOB_ENDED', reason));
  }

  refuse({ request }: CheckpointRequest, error: ErrorInfo): void {
    this.#options.emit({ kind: 'answer', request, answer: { outcome: 'failed', error } });
  }

  #refuseAll(error: ErrorInfo): void {
    for (const request of this.#queue.takeAll()) {
      this.refuse(request, error);
    }
  }
}
