import type { TimerHandle } from '../../foundation/common/clock.ts';
import { present } from '../../foundation/common/assert.ts';
import { MillraceError, messageOf } from '../../foundation/common/errors.ts';
import { RingQueue } from '../../foundation/common/ring-queue.ts';
import type { ListStateOfOperator } from '../../runtime/state/keyed-state.ts';
import type { AbortScope, Prepared, SinkBehavior, SinkWriter } from '../connectors/sink.ts';
import { isEarlierGeneration, parseTransactionName, transactionName } from '../connectors/transaction-name.ts';
import { Operator, type OperatorBehavior, type OperatorContext } from './operator.ts';

const DEFAULT_MAX_IN_FLIGHT = 64;
/** Records that wait for a write to settle: one batch, and what operators of the chain make of it. */
const MAX_WAITING_RECORDS = 4_000_000;
const COMMIT_ATTEMPTS = 8;
const FIRST_COMMIT_RETRY_MS = 100;
/** In a job without checkpoints what was written is committed in this interval. */
const COMMIT_INTERVAL_MS = 10_000;
/** How long such a job waits for that when it is cancelled. */
const CLOSE_TIMEOUT_MS = 5000;

/** A prepared transaction as `sink-prepared` lists it. */
export interface ListedTransaction<P> extends Prepared<P> {
  /** The first completed checkpoint from this one on commits it. */
  readonly checkpointId: number;
}

/**
 * Runs a `SinkWriter` under R3. What was prepared stays listed in every snapshot until it is committed, which the first
 * completed checkpoint at or above its own brings about; an aborted checkpoint undoes nothing.
 */
export class SinkOperator<T, P> extends Operator<T, never> {
  readonly #behavior: SinkBehavior<T, P>;
  readonly #waiting = new RingQueue<{ readonly value: T; readonly timestamp: number }>(MAX_WAITING_RECORDS);
  #writer!: SinkWriter<T, P>;
  #maxInFlight = DEFAULT_MAX_IN_FLIGHT;
  #inFlight = 0;
  /** No write may start: without checkpoints the task does not stand still while something is prepared. */
  #held = false;
  #ended = false;
  /** The first error of async work. Once it is set nothing may be prepared: records are missing. */
  #failure: { readonly error: unknown } | undefined;
  #drained: (() => void) | undefined;

  #listState!: ListStateOfOperator<ListedTransaction<P>>;
  #writerState!: ListStateOfOperator<unknown>;
  #listed: ListedTransaction<P>[] = [];
  #counter = 0;
  #committing: Promise<void> = Promise.resolve();
  #preparing: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  #closed = false;
  #cancelRetry: (() => void) | undefined;

  constructor(behavior: SinkBehavior<T, P>) {
    super();
    this.#behavior = behavior;
  }

  override async open(): Promise<void> {
    const context = this.context;
    this.#listState = context.operatorState.list<ListedTransaction<P>>('sink-prepared', 'union');
    this.#writerState = context.operatorState.list<unknown>('sink-writer', 'union');
    this.#writer = this.#behavior.createWriter({
      jobId: context.jobId,
      claimedJobId: context.claimedJobId,
      jobName: context.jobName,
      sinkId: context.operatorId,
      operatorName: context.operatorName,
      subtask: context.subtask,
      parallelism: context.parallelism,
      generation: context.generation,
      checkpointing: context.checkpointing,
      logger: context.logger,
      clock: context.clock,
      toClient: (channel, payload) => context.toClient(channel, payload),
      fail: (error) => this.#fail(error),
    });
    this.#maxInFlight = this.#writer.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT;
    const restored = [...this.#listState.get()];
    if (context.restoredCheckpointId !== undefined) {
      this.#writer.restoreState?.([...this.#writerState.get()]);
    }
    this.#isOpen = true;
    await this.#writer.open?.();
    for (const transaction of restored) {
      if (standsFor(context, transaction.name)) {
        await this.#commit(transaction);
      }
    }
    await this.#writer.abort?.(abortScope(context, restored));
    if (!context.checkpointing) {
      this.#commitLater();
    }
  }

  override process(value: T, timestamp: number): void {
    if (this.isAvailable()) {
      const written = this.#writer.write(value, timestamp);
      if (written !== undefined) {
        this.#track(written);
      }
    } else {
      this.#waiting.push({ value, timestamp });
    }
  }

  override processWatermark(): void {}

  override processIdle(): void {}

  override isAvailable(): boolean {
    return this.#inFlight < this.#maxInFlight && this.#waiting.size === 0 && !this.#held;
  }

  override async endInput(): Promise<void> {
    this.#ended = true;
    await this.#committing;
    await this.#drain();
    await this.#writer.endInput?.();
    if (!this.context.checkpointing) {
      await this.#commitEverything();
    }
  }

  /** A promise only where something has to be waited for: the task stands still until then. */
  override prepareSnapshot(checkpointId: number): void | Promise<void> {
    if (this.#inFlight > 0 || this.#waiting.size > 0) {
      return this.#drain().then(() => this.#prepare(checkpointId));
    }
    return this.#prepare(checkpointId);
  }

  override snapshot(_checkpointId: number): void {
    this.#listState.update([...this.#listed]);
    const state = this.#writer.snapshotState?.();
    this.#writerState.update(state === undefined ? [] : [state]);
  }

  /** Commits run one after the other; the promise is that of this checkpoint's last one. */
  override checkpointCompleted(checkpointId: number): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      for (
        let next = this.#listed[0];
        next !== undefined && next.checkpointId <= checkpointId;
        next = this.#listed[0]
      ) {
        await this.#commit(next);
        this.#listed.shift();
      }
    });
    return this.#committing;
  }

  override async close(): Promise<void> {
    if (!this.#isOpen) {
      return;
    }
    if (!this.context.checkpointing && !this.#ended && this.#failure === undefined) {
      await this.#commitAtClose();
    }
    this.#closed = true;
    this.#cancelRetry?.();
    // One call at a time: what the writer is in the middle of ends before it is closed.
    await this.#atMost(Promise.allSettled([this.#committing, this.#preparing]));
    await this.#writer.close?.();
  }

  /** Waits for something that a task which is to end must not wait for without limit. */
  async #atMost(awaited: Promise<unknown>): Promise<void> {
    let timer: TimerHandle | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = this.context.clock.after(CLOSE_TIMEOUT_MS, resolve);
    });
    await Promise.race([awaited, timeout]);
    timer?.cancel();
  }

  /** Without checkpoints: what is written becomes visible now and then. */
  #commitLater(): void {
    this.context.schedule(this.context.clock.now() + COMMIT_INTERVAL_MS, () => {
      if (!this.#ended && !this.#closed) {
        this.#commitEverything().then(
          () => this.#commitLater(),
          (error: unknown) => this.#fail(error),
        );
      }
    });
  }

  #commitEverything(): Promise<void> {
    const commit = async (): Promise<void> => {
      this.#held = true;
      try {
        await this.#drain();
        await this.#prepare(0);
      } finally {
        this.#held = false;
        this.#writeWaiting();
      }
    };
    this.#committing = this.#committing.then(commit);
    return this.checkpointCompleted(0);
  }

  /** Of a job that was cancelled, or failed elsewhere: without checkpoints nothing else would ever show its output. */
  async #commitAtClose(): Promise<void> {
    const committed = this.#commitEverything().catch((error: unknown) => {
      this.context.logger.warn(`the end of the output is lost: ${messageOf(error)}`);
    });
    await this.#atMost(committed);
  }

  #prepare(checkpointId: number): void | Promise<void> {
    this.#throwFailure();
    if (this.#closed) {
      throw new MillraceError('TASK_CANCELED', `sink "${this.context.operatorName}" is closed`);
    }
    const { jobId, operatorId, subtask, generation } = this.context;
    const name = transactionName({ jobId, sinkId: operatorId, subtask, generation, counter: ++this.#counter });
    const prepared = this.#writer.prepare(name, checkpointId);
    const list = (value: P | undefined): void => {
      this.#throwFailure();
      if (value !== undefined) {
        this.#listed.push({ name, value, checkpointId });
      }
    };
    if (prepared instanceof Promise) {
      this.#preparing = prepared;
      return prepared.then(list);
    }
    return list(prepared);
  }

  #track(written: Promise<void>): void {
    this.#inFlight++;
    written.then(
      () => this.#settled(),
      (error: unknown) => {
        this.#fail(error);
        this.#settled();
      },
    );
  }

  #settled(): void {
    this.#inFlight--;
    // Here and not in the mailbox: a task that waits for `prepareSnapshot` takes nothing from its mailbox.
    this.#writeWaiting();
    if (this.#failure !== undefined) {
      this.#waiting.clear();
    }
    if (this.#inFlight === 0 && this.#waiting.size === 0) {
      this.#drained?.();
    }
  }

  #writeWaiting(): void {
    while (this.#inFlight < this.#maxInFlight && this.#waiting.size > 0 && this.#failure === undefined) {
      const { value, timestamp } = present(this.#waiting.shift(), 'waiting record');
      try {
        const written = this.#writer.write(value, timestamp);
        if (written !== undefined) {
          this.#track(written);
        }
      } catch (error) {
        this.#fail(error);
      }
    }
    if (this.isAvailable()) {
      this.context.enqueue(() => {});
    }
  }

  async #drain(): Promise<void> {
    if (this.#inFlight > 0 || this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
      this.#drained = undefined;
    }
    this.#throwFailure();
  }

  #fail(error: unknown): void {
    if (this.#failure === undefined) {
      this.#failure = { error };
      if (!this.#closed) {
        this.context.fail(error);
      }
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
  }

  async #commit(transaction: ListedTransaction<P>): Promise<void> {
    const { name, value } = transaction;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#writer.commit({ name, value });
      } catch (error) {
        const hopeless = error instanceof MillraceError && !error.retryable;
        if (hopeless || attempt >= COMMIT_ATTEMPTS) {
          throw commitFailed(this.context, transaction, error, attempt);
        }
        this.context.logger.warn(`commit failed, trying again: ${messageOf(error)}`, { transaction: name, attempt });
        await this.#pause(FIRST_COMMIT_RETRY_MS * 2 ** (attempt - 1));
        if (this.#closed) {
          throw commitFailed(this.context, transaction, error, attempt);
        }
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.context.clock.after(delayMs, resolve);
      this.#cancelRetry = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** How `stream.to(sink)` becomes a node. */
export const sinkOperatorBehavior = <T, P>(behavior: SinkBehavior<T, P>): OperatorBehavior => ({
  createOperator: () => new SinkOperator(behavior),
});

/**
 * Which old subtasks' transactions a subtask commits and aborts after a restore. By the subtask in the name and not by
 * the place in the list: when only one region restarts, the subtasks of the others go on and keep what is theirs.
 */
const standsFor = (context: OperatorContext, name: string): boolean => {
  const parts = present(parseTransactionName(name), `name of a transaction (${name})`);
  return parts.subtask % context.parallelism === context.subtask;
};

const abortScope = <P>(context: OperatorContext, kept: readonly Prepared<P>[]): AbortScope<P> => {
  const keptNames = new Set(kept.map(({ name }) => name));
  const isEarlier = (name: string): boolean => {
    const parts = parseTransactionName(name);
    if (parts?.sinkId !== context.operatorId || parts.subtask % context.parallelism !== context.subtask) {
      return false;
    }
    return parts.jobId === context.jobId
      ? isEarlierGeneration(parts.generation, context.generation)
      : parts.jobId === context.claimedJobId;
  };
  return {
    jobId: context.jobId,
    sinkId: context.operatorId,
    generation: context.generation,
    kept: kept.map(({ name, value }) => ({ name, value })),
    isKept: (name) => keptNames.has(name),
    covers: (name) => isEarlier(name) && !keptNames.has(name),
    isEarlier,
  };
};

const commitFailed = (
  context: OperatorContext,
  transaction: ListedTransaction<unknown>,
  error: unknown,
  attempts: number,
): MillraceError =>
  new MillraceError(
    'TASK_FAILED',
    `sink "${context.operatorName}" could not commit ${transaction.name}, prepared for checkpoint ` +
      `${transaction.checkpointId}, after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${messageOf(error)}`,
    { cause: error },
  );
