import { assert, present } from '../../../foundation/common/assert.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { AttemptId, CheckpointId, Generation } from '../../../foundation/common/ids.ts';
import type { Instant } from '../instant.ts';
import { subtaskName } from '../scheduler/execution-graph.ts';
import { AbortedCheckpoints } from './aborted-checkpoints.ts';
import { beginCheckpoint } from './begin-checkpoint.ts';
import { CheckpointFailureCounter } from './checkpoint-failure-counter.ts';
import { CheckpointStatistics } from './checkpoint-statistics.ts';
import { completedCheckpoint, type CompletedCheckpoint } from './completed-checkpoint.ts';
import type {
  Acknowledgement,
  CheckpointRequest,
  CoordinatorAction,
  CoordinatorEvent,
  EventOf,
  Decline,
  Enumerators,
} from './coordinator-event.ts';
import {
  because,
  completedMessage,
  CONNECTION_LOST,
  expired,
  failedMessage,
  failure,
  intolerable,
  STOPPED,
  triggering,
} from './coordinator-messages.ts';
import { countedIfCheckpoint, type AbortOptions } from './abort-options.ts';
import { deskSettings, type CoordinatorCoreOptions } from './coordinator-options.ts';
import { assembleMetadata, carriedStates } from './metadata-assembly.ts';
import type { PendingCheckpoint } from './pending-checkpoint.ts';
import { banBegins, banEnds } from './restore-ban.ts';
import { RetainedCheckpoints } from './retained-checkpoints.ts';
import { TaskRoster } from './task-roster.ts';
import { TriggerDesk } from './trigger-desk.ts';

/**
 * Decides when checkpoints are triggered, which acknowledgements count, and what is complete: metadata durable, then the
 * pointer, then the announcement (I3, I4). One checkpoint or savepoint is in flight at a time. A decision core: events in,
 * actions out, no I/O. The shell is `CheckpointCoordinator`.
 */
export class CoordinatorCore {
  readonly #options: CoordinatorCoreOptions;
  readonly #roster: TaskRoster;
  readonly #desk: TriggerDesk;
  readonly #failures: CheckpointFailureCounter;
  readonly #aborted = new AbortedCheckpoints();
  readonly statistics = new CheckpointStatistics();
  readonly retained: RetainedCheckpoints;
  #pending: PendingCheckpoint | undefined;
  #generation: Generation = { epoch: 0, number: 0 };
  /** Triggered so far, or by a leader before this one. */
  #highestId: number;
  /** Tasks and leaders that died may have left files of checkpoints that will never be complete. */
  #hasLeftOvers: boolean;
  #actions: CoordinatorAction[] = [];

  constructor(options: CoordinatorCoreOptions) {
    this.#options = options;
    this.#highestId = options.floor;
    this.#hasLeftOvers = options.floor > 0;
    this.#roster = new TaskRoster(options.execution, options.finished);
    this.#desk = new TriggerDesk({
      ...deskSettings(options),
      roster: this.#roster,
      isUrgent: () => this.retained.ban !== undefined,
      emit: (action) => this.#actions.push(action),
    });
    this.#failures = new CheckpointFailureCounter(options.settings.tolerableFailures);
    this.retained = new RetainedCheckpoints(options.completed, options.broken, options.settings.numRetained);
  }

  /** A pointer write whose outcome is not known (R2): no region chooses what to restore. */
  get isUndecided(): boolean {
    return this.#pending?.phase === 'undecided';
  }

  /** A stop with drain is under way, or the job is stopped: sources may have ended their input for it. */
  get isDraining(): boolean {
    return this.#pending?.trigger.stop === 'drain' || this.#desk.isClosed;
  }

  /** No checkpoint is in flight and none will be. */
  get isQuiet(): boolean {
    return this.#desk.isClosed && this.#pending === undefined && !this.#aborted.hasUnfinishedWrites;
  }

  /** When `tick` is due, in monotonic time. */
  get nextWakeMs(): number {
    const pending = this.#pending;
    const deadlineMs = pending === undefined || pending.phase === 'undecided' ? Infinity : pending.deadlineMs;
    return Math.min(deadlineMs, this.#desk.nextWakeMs(pending === undefined));
  }

  handle(event: CoordinatorEvent, now: Instant): readonly CoordinatorAction[] {
    this.#actions = [];
    this.#apply(event, now);
    this.#expire(now);
    if (this.#pending === undefined) {
      this.#desk.reserveNext(now.monotonicMs);
    }
    return this.#actions;
  }

  #apply(event: CoordinatorEvent, now: Instant): void {
    switch (event.kind) {
      case 'deployed':
        return this.#deployed(event);
      case 'adopted':
        return this.#adopted(event);
      case 'reconnected':
        return this.#reconnected(event.attempts, now);
      case 'task-running':
        return this.#roster.running(event.attempt);
      case 'task-ended':
        return this.#roster.ended(event.attempt);
      case 'task-finished':
        return this.#taskFinished(event.attempt, now);
      case 'tasks-failing':
        return this.#tasksFailing(event.indices, event.error, now);
      case 'acknowledged':
        return this.#acknowledged(event.report, now);
      case 'declined':
        return this.#declined(event.report, now);
      case 'requested':
        return this.#desk.request(event.request, this.#pending?.request, now.monotonicMs);
      case 'id-reserved':
        return this.#idReserved(event, now);
      case 'id-refused':
        return this.#desk.idRefused(event.error, now.monotonicMs);
      case 'metadata-written':
        return this.#metadataWritten(event, now);
      case 'metadata-refused':
        return this.#metadataRefused(event, now);
      case 'pointer-outcome':
        return this.#pointerOutcome(event, now);
      case 'restores-banned':
        this.retained.banRestores(event.ban, this.#highestId, event.broken);
        return this.#log('warn', banBegins(event.ban));
      case 'fell-back':
        return this.retained.fallBack(event.to);
      case 'stop-given-up':
        return this.#desk.stopGivenUp();
      case 'shut-down':
        return this.#shutDown(event.reason, now);
      case 'tick':
    }
  }

  #deployed({ tasks, generation, restored }: EventOf<'deployed'>): void {
    this.#generation = generation;
    this.statistics.restored(restored);
    tasks.forEach((task) => this.#roster.deployed(task));
  }

  #adopted({ tasks, generation }: EventOf<'adopted'>): void {
    this.#generation = generation;
    this.#bringUpToDate(tasks.flatMap((task) => this.#roster.adopted(task) ?? []));
  }

  /** Acknowledgements of theirs that are missing will not come. */
  #reconnected(reported: readonly AttemptId[], now: Instant): void {
    const attempts = reported.filter((attempt) => this.#roster.indexOf(attempt) !== undefined);
    const pending = this.#pending;
    if (pending?.phase === 'collecting' && attempts.some((one) => pending.expects(this.#roster.indexOf(one), one))) {
      this.#abort(pending, CONNECTION_LOST, { counted: false }, now);
    }
    this.#bringUpToDate(attempts);
  }

  #bringUpToDate(attempts: readonly AttemptId[]): void {
    const newest = this.retained.newestId;
    if (newest !== undefined) {
      this.#announce('completed', newest, attempts);
    }
    // The floor would end a checkpoint that is being completed too.
    if (this.#pending === undefined) {
      this.#actions.push({ kind: 'release', floor: this.#highestId, attempts });
    }
  }

  #idReserved(event: EventOf<'id-reserved'>, now: Instant): void {
    assert(event.checkpointId > this.#highestId, `checkpoint id ${event.checkpointId} comes after ${this.#highestId}`);
    this.#highestId = event.checkpointId;
    const wanted = this.#desk.reserved(now.monotonicMs, event.enumerators !== undefined);
    if (wanted !== undefined && event.enumerators !== undefined) {
      this.#trigger(event.checkpointId, event.enumerators, wanted.request, now);
    }
  }

  #trigger(id: CheckpointId, enumerators: Enumerators, request: CheckpointRequest | undefined, now: Instant): void {
    const { settings, checkpointFolder, jobId } = this.#options;
    const { base } = this.retained;
    const plan = { id, enumerators, request, checkpointFolder, base, timeoutMs: settings.timeoutMs };
    const { trigger } = (this.#pending = beginCheckpoint(plan, this.#roster, now));
    if (trigger.kind === 'checkpoint') {
      this.#desk.triggered(now.monotonicMs);
    }
    this.statistics.triggered();
    this.#log('info', triggering(trigger, jobId));
    this.#actions.push({ kind: 'trigger', attempts: this.#roster.triggerTargets(), trigger });
  }

  #acknowledged(report: Acknowledgement, now: Instant): void {
    const pending = this.#pending;
    if (pending?.id !== report.checkpointId) {
      this.#actions.push(...this.#aborted.acknowledged(report));
      return;
    }
    const index = this.#roster.indexOf(report.attempt);
    if (index === undefined || pending.phase !== 'collecting' || !pending.expects(index, report.attempt)) {
      return;
    }
    pending.acknowledge(index, report);
    if (pending.isFullyAcknowledged) {
      pending.phase = 'writing';
      const { jobId, execution } = this.#options;
      const about = { jobId, execution, generation: this.#generation, completedMs: now.wallMs };
      const { folder } = pending.trigger;
      const assembled = assembleMetadata(pending, this.#roster, about);
      this.#actions.push({ kind: 'write-metadata', checkpointId: pending.id, folder, ...assembled });
    }
  }

  #declined({ attempt, checkpointId, error }: Decline, now: Instant): void {
    const pending = this.#pending;
    const index = this.#roster.indexOf(attempt);
    if (pending?.id === checkpointId && index !== undefined && pending.phase === 'collecting') {
      const name = subtaskName(this.#options.execution.subtask(index));
      // A task that is going away declines; its own failure is what counts.
      const counted = error.code !== 'TASK_CANCELED';
      this.#abort(pending, because(`task "${name}" declined`, error), { counted }, now);
    }
  }

  #taskFinished(attempt: AttemptId, now: Instant): void {
    const pending = this.#pending;
    const index = this.#roster.indexOf(attempt);
    if (index !== undefined && pending?.phase === 'collecting' && pending.expects(index, attempt)) {
      const name = subtaskName(this.#options.execution.subtask(index));
      this.#abort(pending, failure('CHECKPOINT_FAILED', `task "${name}" finished meanwhile`), { counted: false }, now);
    }
    this.#roster.left(attempt, this.#options.checkpointFolder ?? '');
  }

  #tasksFailing(indices: readonly number[], error: ErrorInfo, now: Instant): void {
    for (const index of indices) {
      this.#roster.failing(index);
    }
    const pending = this.#pending;
    if (pending !== undefined && pending.phase !== 'undecided') {
      const restarted = indices.length === this.#options.execution.subtasks.length;
      this.#abort(pending, because('tasks failed or are cancelled', error), { counted: false, restarted }, now);
    }
  }

  #metadataWritten(event: EventOf<'metadata-written'>, now: Instant): void {
    const pending = this.#pending;
    if (pending?.id !== event.checkpointId || pending.phase !== 'writing') {
      this.#actions.push(...this.#aborted.writeEnded(event.checkpointId));
      return;
    }
    const { kind, stop } = pending.trigger;
    const checkpoint = completedCheckpoint(pending, event.metadata, event.metadataPath, now);
    if (kind === 'savepoint' && stop === 'no') {
      this.#complete(pending, checkpoint, now);
    } else {
      pending.checkpoint = checkpoint;
      pending.phase = 'undecided';
      this.#actions.push({ kind: 'write-pointer', checkpoint });
    }
  }

  #metadataRefused({ checkpointId, error }: EventOf<'metadata-refused'>, now: Instant): void {
    const pending = this.#pending;
    if (pending?.id === checkpointId && pending.phase === 'writing') {
      this.#notWritten(pending, because('its metadata could not be written', error), now);
    } else {
      this.#actions.push(...this.#aborted.writeEnded(checkpointId));
    }
  }

  #notWritten(pending: PendingCheckpoint, error: ErrorInfo, now: Instant): void {
    pending.phase = 'collecting';
    this.#abort(pending, error, countedIfCheckpoint(pending), now);
  }

  #pointerOutcome({ checkpointId, write }: EventOf<'pointer-outcome'>, now: Instant): void {
    const pending = present(this.#pending, 'pending checkpoint');
    assert(pending.id === checkpointId && pending.phase === 'undecided', `checkpoint ${checkpointId} is not undecided`);
    const checkpoint = present(pending.checkpoint, 'checkpoint');
    switch (write.outcome) {
      case 'written':
        return this.#complete(pending, checkpoint, now);
      case 'undecided':
        this.#log('warn', `Checkpoint ${checkpointId} is undecided: ${write.error.message}`);
        this.#actions.push({ kind: 'settle-pointer', checkpoint });
        return;
      case 'not-written':
        this.#notWritten(pending, because('its pointer could not be written', write.error), now);
    }
  }

  /** I4: only now, and told to every task (R6), except for a plain savepoint, which commits nothing (R8). */
  #complete(pending: PendingCheckpoint, checkpoint: CompletedCheckpoint, now: Instant): void {
    this.#pending = undefined;
    const { kind, stop } = pending.trigger;
    const { jobId, execution } = this.#options;
    this.statistics.completed(checkpoint);
    this.#desk.decided(now.monotonicMs, true);
    this.#log('info', completedMessage(checkpoint, jobId, now.wallMs));
    if (kind === 'checkpoint') {
      this.#failures.completed();
      const carried = carriedStates(checkpoint.metadata, checkpoint.baseFolder, execution);
      carried.forEach((state, index) => this.#roster.finished(index, state));
    }
    if (kind === 'checkpoint' || stop !== 'no') {
      const { checkpointId } = checkpoint;
      const { ban } = this.retained;
      const retired = this.retained.add(checkpoint);
      if (ban !== undefined && this.retained.ban === undefined) {
        this.#log('info', banEnds(checkpointId));
      }
      this.#actions.push({ kind: 'completed', checkpoint });
      this.#announce('completed', checkpointId, this.#roster.attempts);
      this.#actions.push(...retired.map((old) => ({ kind: 'retire' as const, checkpoint: old })));
      this.#actions.push(...this.retained.takeBroken().map((id) => ({ kind: 'forget' as const, checkpointId: id })));
    }
    if (kind === 'checkpoint' && this.#hasLeftOvers) {
      this.#hasLeftOvers = false;
      this.#actions.push({ kind: 'collect' });
    }
    if (stop !== 'no') {
      this.#desk.close(STOPPED);
    }
    if (pending.request !== undefined) {
      const { request } = pending.request;
      this.#actions.push({ kind: 'answer', request, answer: { outcome: 'completed', checkpoint } });
    }
  }

  #abort(pending: PendingCheckpoint, error: ErrorInfo, { counted, restarted }: AbortOptions, now: Instant): void {
    assert(pending.phase !== 'undecided', `checkpoint ${pending.id} is undecided`);
    this.#pending = undefined;
    this.#hasLeftOvers = true;
    const { trigger, request, states, phase, participants, id } = pending;
    const place = { checkpointId: id, folder: trigger.folder, savepoint: trigger.kind === 'savepoint' };
    this.#aborted.add(place, phase === 'writing' ? states : undefined);
    this.statistics.failed(id, now.wallMs, error);
    this.#desk.decided(now.monotonicMs, false);
    const failed = counted ? this.#failures.failed() : undefined;
    // One that its tasks took with them is no news beside their failure.
    this.#log(counted ? 'warn' : 'info', failedMessage(id, this.#options.jobId, error, failed?.consecutive ?? 0));
    const attempts = [...participants.values()].filter((attempt) => this.#roster.indexOf(attempt) !== undefined);
    this.#announce('aborted', id, attempts);
    if (phase === 'collecting') {
      this.#actions.push({ kind: 'discard', ...place, states });
    }
    if (request !== undefined) {
      this.#desk.refuse(request, error);
    }
    if (failed?.isTooMany === true && this.retained.ban === undefined) {
      this.#actions.push({ kind: 'fail-job', error: intolerable(this.#options.settings.tolerableFailures, id, error) });
    } else if (trigger.stop === 'drain' && restarted !== true && !this.#desk.isClosed) {
      // The sources have ended their input: they cannot read on from here.
      this.#actions.push({ kind: 'fail-job', error: because('the job could not be stopped with drain', error) });
    }
  }

  #expire(now: Instant): void {
    const { settings, execution } = this.#options;
    const pending = this.#pending;
    if (pending !== undefined && pending.phase !== 'undecided' && pending.deadlineMs <= now.monotonicMs) {
      this.#abort(pending, expired(pending, settings.timeoutMs, execution), countedIfCheckpoint(pending), now);
    }
    this.#desk.expire(now.monotonicMs);
  }

  #shutDown(reason: string, now: Instant): void {
    this.#desk.close(reason);
    if (this.#pending !== undefined && this.#pending.phase !== 'undecided') {
      this.#abort(this.#pending, failure('JOB_ENDED', reason), { counted: false, restarted: true }, now);
    }
  }

  #announce(what: 'completed' | 'aborted', checkpointId: CheckpointId, attempts: readonly AttemptId[]): void {
    this.#actions.push({ kind: 'announce', what, checkpointId, attempts });
  }

  #log(level: 'info' | 'warn', message: string): void {
    this.#actions.push({ kind: 'log', level, message });
  }
}
