import { MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import { checkpointId, type AttemptId, type CheckpointId } from '../../../foundation/common/ids.ts';
import type { CheckpointCoordinator } from '../checkpoint-coordinator/checkpoint-coordinator.ts';
import { restoreBanned } from '../checkpoint-coordinator/restore-ban.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import { storeIsOlder } from './forgotten-checkpoint.ts';
import type { JobMasterOptions } from './job-master-options.ts';
import {
  banOf,
  brokenState,
  cannotGoOn,
  fallingBack,
  mayFallBack,
  unknownSince,
  type AdoptedExecution,
} from './older-checkpoint.ts';
import { brokenNewest, planOf, type Recovery } from './recovery.ts';

export interface RestoreChoiceOptions {
  readonly job: JobMasterOptions;
  readonly execution: ExecutionGraph;
  readonly recovery: Recovery;
  readonly coordinator: CheckpointCoordinator;
  /** The subtask whose attempt to talk to this is. */
  readonly activeIndex: (attempt: AttemptId) => number | undefined;
}

/** What the regions of a job restore, and what becomes of it where the newest checkpoint is of no use (R5). */
export class RestoreChoice {
  readonly #options: RestoreChoiceOptions;
  /** What the newest attempt of each subtask was to restore, by subtask index. */
  readonly #restored = new Map<number, CheckpointId>();
  /** Pointers that go before anything starts from an older checkpoint. */
  #later: readonly CheckpointId[] = [];

  constructor(options: RestoreChoiceOptions) {
    this.#options = options;
    this.#banRestores();
  }

  /** What to restore; to be written to the job's record next. Throws JOB_SET_ASIDE where nothing may be. */
  choose(): RestorePlan | undefined {
    this.requireAllowed();
    const { execution, coordinator, recovery } = this.#options;
    return planOf(execution, coordinator.completed, recovery.initial);
  }

  /**
   * What was chosen is in the job's record: pointers to later checkpoints go before anything starts. A leader that finds them with that
   * record comes to the same choice; without them and with the record before it would think that the store went back (R12).
   */
  async recorded(): Promise<void> {
    for (const id of this.#later) {
      await this.#options.job.checkpoints.remove(id);
    }
    this.#later = [];
  }

  /** Throws JOB_SET_ASIDE where nothing may be restored. */
  requireAllowed(): void {
    const { restoreBan } = this.#options.coordinator;
    if (restoreBan !== undefined) {
      throw restoreBanned(restoreBan);
    }
  }

  /** These subtasks were deployed with what was chosen. */
  deployed(indices: readonly number[], plan: RestorePlan | undefined): void {
    for (const index of indices) {
      this.#restored.delete(index);
      if (plan !== undefined) {
        this.#restored.set(index, checkpointId(plan.point.metadata.checkpointId));
      }
    }
  }

  /**
   * Whether the whole job starts anew from an older checkpoint, for one was refused. The pointers to later ones go when nothing
   * of it runs any more: until then a new leader has to come to the same decision.
   */
  fallBack(): boolean {
    const { coordinator, job } = this.#options;
    const { restoreBan: ban, pointedTo } = coordinator;
    if (ban === undefined) {
      return true; // it was decided while this one waited
    }
    const older = coordinator.completed.at(-1);
    if (older?.kind !== 'checkpoint' || !mayFallBack(job)) {
      return false;
    }
    const to = older.checkpointId;
    job.logger.warn(fallingBack(job, ban, to));
    this.#later = pointedTo.filter((id) => id > to);
    coordinator.handle({ kind: 'fell-back', to });
    return true;
  }

  /**
   * The failure of an attempt that did not come to run, as the job sees it: if the checkpoint is broken that it was to start from,
   * nobody tries that again, whatever the restart strategy says.
   */
  failed(attempt: AttemptId, error: ErrorInfo | undefined): ErrorInfo | undefined {
    const { coordinator, job, activeIndex } = this.#options;
    const index = activeIndex(attempt);
    const restored = index === undefined ? undefined : this.#restored.get(index);
    const cause = brokenState(error);
    if (cause === undefined || restored === undefined || !coordinator.pointedTo.includes(restored)) {
      return error;
    }
    const [older, newest] = [coordinator.completed.at(-2), coordinator.completed.at(-1)];
    if (newest?.checkpointId === restored) {
      const ban = banOf(job, { checkpointId: restored, error: cause }, older?.checkpointId);
      // The savepoint of a stop stays the newest: only what it lists is left to do.
      coordinator.handle({
        kind: 'restores-banned',
        ban,
        ...(newest.kind === 'checkpoint' ? { broken: restored } : {}),
      });
    }
    return {
      name: 'MillraceError',
      code: 'JOB_SET_ASIDE',
      message: cause.message,
      ...(error === undefined ? {} : { cause: error }),
    };
  }

  /**
   * Where the newest checkpoint is broken or forgotten, the enumerators go on from an older one: all that their readers got since then has to be
   * known, and of each end what it left (R4, R11). Throws JOB_SET_ASIDE.
   */
  requireKnown(tasks: readonly AdoptedExecution[]): void {
    const { recovery, coordinator, execution } = this.#options;
    const ban = coordinator.restoreBan;
    const newest = recovery.completed.at(-1)?.checkpointId ?? 0;
    const isNewest = newest >= Math.max(recovery.newestId, recovery.heard?.completed ?? 0);
    if (isNewest || ban === undefined) {
      return;
    }
    const restoredId = Math.max(0, ...[...recovery.started.regions.values()].map(({ restored }) => restored ?? 0));
    const what = unknownSince(tasks, planOf(execution, recovery.completed, recovery.initial), restoredId);
    if (what !== undefined) {
      throw new MillraceError('JOB_SET_ASIDE', cannotGoOn(ban, what));
    }
  }

  #banRestores(): void {
    const { job, recovery, coordinator } = this.#options;
    const newest = brokenNewest(recovery);
    for (const broken of recovery.broken) {
      const what = `Checkpoint ${broken.checkpointId} of job ${job.jobId} cannot be used, nothing starts from it`;
      job.logger.warn(`${what}: ${broken.error.message}`);
    }
    if (newest !== undefined) {
      const ban = banOf(job, newest, coordinator.completed.at(-1)?.checkpointId);
      coordinator.handle({ kind: 'restores-banned', ban });
    }
    const { heard } = recovery;
    if (heard !== undefined && heard.completed > heard.inStore) {
      const usable = coordinator.completed.at(-1)?.checkpointId ?? 0;
      coordinator.handle({ kind: 'restores-banned', ban: storeIsOlder(job, heard, usable) });
    }
  }
}
