import type { CheckpointIdCounter } from '../../../coordination/checkpoint-id-counter.ts';
import type {
  CheckpointPointer,
  CompletedCheckpointStore,
  PointerWrite,
} from '../../../coordination/completed-checkpoint-store.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { errorInfo, messageOf, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import { checkpointId as checkpointIdOf, type AttemptId, type CheckpointId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { present } from '../../../foundation/common/assert.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import type { TaskCommand } from '../../protocol/task-commands.ts';
import type { OperatorSubtaskState } from '../../state/state-handle.ts';
import { instantOf } from '../instant.ts';
import { WakeTimer } from '../wake-timer.ts';
import type { CheckpointStatisticsSnapshot } from './checkpoint-statistics.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import { CoordinatorCore } from './coordinator-core.ts';
import type { CheckpointRequest, CoordinatorAction, CoordinatorEvent, Enumerators } from './coordinator-event.ts';
import { unpointedIds, type CoordinatorCoreOptions } from './coordinator-options.ts';
import type { RestoreBan } from './restore-ban.ts';
import { withRelocated } from './metadata-assembly.ts';

export interface CheckpointCoordinatorOptions extends CoordinatorCoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly storage: CheckpointStorage;
  readonly store: CompletedCheckpointStore;
  readonly counter: CheckpointIdCounter;
  readonly host: CoordinatorHost;
}

/** What the JobMaster does for its coordinator. */
export interface CoordinatorHost {
  /**
   * Collects the enumerators' snapshots for checkpoint `id`. Nothing is assigned between them and what `done` does: before
   * it returns, the triggers are sent (R4). `done` is called once.
   */
  snapshotEnumerators(id: CheckpointId, done: (snapshots: Enumerators | undefined) => void): void;
  command(attempt: AttemptId, command: TaskCommand): void;
  completed(checkpoint: CompletedCheckpoint): void;
  failJob(error: ErrorInfo): void;
  /** After each event: what `isUndecided`, `isQuiet` and `completed` say may have changed. */
  changed(): void;
}

const SETTLE_RETRY_MS = 100;
const SETTLE_RETRY_MS_MAX = 5_000;

type Request = CheckpointRequest extends infer R ? (R extends CheckpointRequest ? Omit<R, 'request'> : never) : never;

type WriteMetadata = Extract<CoordinatorAction, { kind: 'write-metadata' }>;

interface Waiter {
  resolve(checkpoint: CompletedCheckpoint): void;
  reject(error: unknown): void;
}

/** Carries out what `CoordinatorCore` decides: timers, files, the store, commands. */
export class CheckpointCoordinator {
  readonly #options: CheckpointCoordinatorOptions;
  readonly #core: CoordinatorCore;
  readonly #waiters = new Map<number, Waiter>();
  readonly #writeIds = new Map<CheckpointId, string>();
  #nextRequest = 1;
  #floor: number;
  readonly #wake: WakeTimer;
  #settleDelayMs = SETTLE_RETRY_MS;
  /** Deletions run one after the other, each after the decision that allowed it. */
  #cleaning: Promise<void> = Promise.resolve();
  #quiet: (() => void) | undefined;
  #abandoned = false;

  constructor(options: CheckpointCoordinatorOptions) {
    this.#options = options;
    this.#core = new CoordinatorCore(options);
    this.#floor = options.floor;
    this.#wake = new WakeTimer(options.clock, () => this.handle({ kind: 'tick' }));
  }

  get isUndecided(): boolean {
    return this.#core.isUndecided;
  }

  /** See `CoordinatorCore`. */
  get isDraining(): boolean {
    return this.#core.isDraining;
  }

  /** Nothing of the job may be restored (R5, R12). */
  get restoreBan(): RestoreBan | undefined {
    return this.#core.retained.ban;
  }

  /** What the store points to, be it of use or not. */
  get pointedTo(): readonly CheckpointId[] {
    return this.#core.retained.ids;
  }

  /** What the store points to, ascending, without those of no use; the last one is where a recovery starts. */
  get completed(): readonly CompletedCheckpoint[] {
    return this.#core.retained.list;
  }

  /** The highest checkpoint id ever given out (R10). */
  get floor(): number {
    return this.#floor;
  }

  get statistics(): CheckpointStatisticsSnapshot {
    return this.#core.statistics.snapshot;
  }

  handle(event: CoordinatorEvent): void {
    if (this.#abandoned) {
      return;
    }
    const actions = this.#core.handle(event, instantOf(this.#options.clock));
    this.#wake.at(this.#core.nextWakeMs);
    for (const action of actions) {
      this.#carryOut(action);
    }
    if (this.#core.isQuiet) {
      this.#quiet?.();
    }
    this.#options.host.changed();
  }

  /** Rejects when it fails, with the reason. */
  request(request: Request): Promise<CompletedCheckpoint> {
    const number = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      this.#waiters.set(number, { resolve, reject });
      this.handle({ kind: 'requested', request: { ...request, request: number } });
    });
  }

  /**
   * The job has ended; resolves when nothing is undecided or being deleted any more. `keep`: whether its checkpoints stay
   * (their pointers go in any case, the job never recovers).
   */
  async shutDown(reason: string, keep: boolean): Promise<void> {
    await this.close(reason);
    let isPointed = false;
    for (const checkpointId of this.#core.retained.ids) {
      const remove = (): Promise<void> => this.#options.store.remove(checkpointId);
      isPointed = !(await this.#quietly(`remove checkpoint ${checkpointId}`, remove)) || isPointed;
    }
    // Files go after their pointers (I3): what this leader could not remove is left to the next one, with its files.
    if (!keep && !isPointed && this.#options.checkpointFolder !== undefined) {
      await this.#quietly('delete the checkpoints', () => this.#options.storage.deleteAll());
    }
  }

  /** Nothing is triggered any more; resolves when nothing is undecided or being deleted. */
  async close(reason: string): Promise<void> {
    this.handle({ kind: 'shut-down', reason });
    if (!this.#core.isQuiet) {
      await new Promise<void>((resolve) => {
        this.#quiet = resolve;
      });
    }
    await this.#cleaning;
  }

  /** This process leads no more: nothing is written, deleted or told from here on. */
  abandon(): void {
    this.#abandoned = true;
    this.#wake.at(Number.POSITIVE_INFINITY);
    for (const waiter of this.#waiters.values()) {
      waiter.reject(new MillraceError('NOT_LEADER', 'this JobManager does not lead any more', { retryable: true }));
    }
    this.#waiters.clear();
  }

  #carryOut(action: CoordinatorAction): void {
    const { host, logger } = this.#options;
    switch (action.kind) {
      case 'reserve-id':
        void this.#reserveId();
        return;
      case 'trigger':
        return this.#tell(action.attempts, { kind: 'trigger', trigger: action.trigger });
      case 'write-metadata':
        void this.#writeMetadata(action);
        return;
      case 'write-pointer':
        void this.#writePointer(action.checkpoint);
        return;
      case 'settle-pointer':
        return this.#settleLater(action.checkpoint);
      case 'announce':
        return this.#tell(action.attempts, { kind: action.what, checkpointId: action.checkpointId });
      case 'release':
        return this.#tell(action.attempts, { kind: 'floor', checkpointId: checkpointIdOf(action.floor) });
      case 'completed':
        return host.completed(action.checkpoint);
      case 'retire':
        return this.#clean(() => this.#retire(action.checkpoint, this.#core.retained.list));
      case 'forget':
        return this.#clean(() => this.#forget(action.checkpointId));
      case 'collect':
        return this.#clean(() => this.#options.storage.collectLeftOvers(unpointedIds(this.#options)));
      case 'discard':
        return this.#clean(() => this.#discard(action));
      case 'answer':
        return this.#answer(action);
      case 'fail-job':
        return host.failJob(action.error);
      case 'log':
        return logger[action.level](action.message);
    }
  }

  #tell(attempts: readonly AttemptId[], command: TaskCommand): void {
    for (const attempt of attempts) {
      this.#options.host.command(attempt, command);
    }
  }

  async #reserveId(): Promise<void> {
    let checkpointId: CheckpointId;
    try {
      if (this.restoreBan !== undefined) {
        await this.#options.counter.raise(this.restoreBan.aboveId);
      }
      checkpointId = await this.#options.counter.next();
    } catch (error) {
      return this.handle({ kind: 'id-refused', error: errorInfo(error) });
    }
    this.#floor = Math.max(this.#floor, checkpointId);
    if (!this.#abandoned) {
      this.#options.host.snapshotEnumerators(checkpointId, (enumerators) =>
        this.handle({ kind: 'id-reserved', checkpointId, enumerators }),
      );
    }
  }

  async #writeMetadata(action: WriteMetadata): Promise<void> {
    const { checkpointId, folder } = action;
    let event: CoordinatorEvent;
    try {
      const metadata = await this.#relocated(action);
      const { metadataPath } = await this.#options.storage.writeMetadata(folder, metadata);
      event = { kind: 'metadata-written', checkpointId, metadata, metadataPath };
    } catch (error) {
      event = { kind: 'metadata-refused', checkpointId, error: errorInfo(error) };
    }
    this.handle(event);
  }

  /** Copies what ended subtasks left elsewhere: a checkpoint or savepoint refers to nothing outside its folder. */
  async #relocated({ metadata, relocations, folder, checkpointId }: WriteMetadata): Promise<CheckpointMetadata> {
    const byOperator = new Map(metadata.operators.map((operator) => [operator.operatorId, operator]));
    const copied: OperatorSubtaskState[] = [];
    for (const { operatorId, subtask, fromFolder } of relocations) {
      const state = present(byOperator.get(operatorId)?.subtasks[subtask], 'carried state');
      const target = { folder, kind: metadata.kind, checkpointId };
      copied.push(await this.#options.storage.copyState(fromFolder, target, state));
    }
    return withRelocated(metadata, relocations, copied);
  }

  #pointerOf(checkpoint: CompletedCheckpoint): CheckpointPointer {
    const { checkpointId, kind, metadataPath, baseFolder } = checkpoint;
    const writeId = this.#writeIds.get(checkpointId) ?? this.#options.random.hex(32);
    this.#writeIds.set(checkpointId, writeId);
    return { jobId: this.#options.jobId, checkpointId, kind, metadataPath, baseFolder, writeId };
  }

  async #writePointer(checkpoint: CompletedCheckpoint): Promise<void> {
    this.#settleDelayMs = SETTLE_RETRY_MS;
    this.#pointerOutcome(checkpoint, await this.#options.store.add(this.#pointerOf(checkpoint)));
  }

  #settleLater(checkpoint: CompletedCheckpoint): void {
    const delayMs = this.#settleDelayMs;
    this.#settleDelayMs = Math.min(2 * delayMs, SETTLE_RETRY_MS_MAX);
    this.#options.clock.after(delayMs, () => void this.#settle(checkpoint));
  }

  async #settle(checkpoint: CompletedCheckpoint): Promise<void> {
    if (!this.#abandoned) {
      this.#pointerOutcome(checkpoint, await this.#options.store.settle(this.#pointerOf(checkpoint)));
    }
  }

  #pointerOutcome({ checkpointId }: CompletedCheckpoint, write: PointerWrite): void {
    if (write.outcome !== 'undecided') {
      this.#writeIds.delete(checkpointId);
    }
    this.handle({ kind: 'pointer-outcome', checkpointId, write });
  }

  #clean(run: () => Promise<void>): void {
    this.#cleaning = this.#cleaning.then(() => (this.#abandoned ? undefined : run()));
  }

  /** The pointer goes first (I3). A pointer that cannot be deleted keeps its files. */
  async #retire(checkpoint: CompletedCheckpoint, retained: readonly CompletedCheckpoint[]): Promise<void> {
    const { store, storage } = this.#options;
    await this.#quietly(`remove checkpoint ${checkpoint.checkpointId}`, async () => {
      await store.remove(checkpoint.checkpointId);
      if (checkpoint.kind === 'checkpoint' && !this.#abandoned) {
        await storage.deleteCheckpoint(checkpoint, retained);
      }
    });
  }

  async #forget(id: CheckpointId): Promise<void> {
    const { store, storage } = this.#options;
    await this.#quietly(`delete the broken checkpoint ${id}`, async () => {
      await store.remove(id);
      if (!this.#abandoned) {
        await storage.deleteBroken(id, this.#core.retained.list);
      }
    });
  }

  async #discard(action: Extract<CoordinatorAction, { kind: 'discard' }>): Promise<void> {
    await this.#quietly(`delete the files of checkpoint ${action.checkpointId}`, () =>
      this.#options.storage.discard(action, action.states),
    );
  }

  /** What is left behind concerns nobody's result: it is logged and collected later (I7). Returns whether it was done. */
  async #quietly(what: string, run: () => Promise<void>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      this.#options.logger.warn(`cannot ${what}: ${messageOf(error)}`, { job: this.#options.jobId });
      return false;
    }
  }

  #answer({ request, answer }: Extract<CoordinatorAction, { kind: 'answer' }>): void {
    const waiter = present(this.#waiters.get(request), `request ${request}`);
    this.#waiters.delete(request);
    if (answer.outcome === 'completed') {
      waiter.resolve(answer.checkpoint);
    } else {
      waiter.reject(checkpointError(answer.error));
    }
  }
}

const checkpointError = (error: ErrorInfo): MillraceError =>
  new MillraceError(error.code === 'JOB_ENDED' ? 'JOB_ENDED' : 'CHECKPOINT_FAILED', error.message, {
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    retryable: error.code !== 'JOB_ENDED',
  });
