import { MillraceError } from '../../foundation/common/errors.ts';
import type { ListStateOfOperator } from '../../runtime/state/keyed-state.ts';
import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { OperatorBehavior } from './operator.ts';

export interface RichAsyncMapFunction<In, Out> extends FunctionObject {
  asyncMap(value: In): Promise<Out>;
}

export type AsyncMapFunction<In, Out> = ((value: In) => Promise<Out>) | RichAsyncMapFunction<In, Out>;

export interface AsyncMapLimits {
  /** Calls in flight at the same time, in each subtask. */
  readonly capacity: number;
  /** A call that takes longer fails the job. */
  readonly timeoutMs: number;
  /** Results in the order of the records; otherwise in the order they come, but never across a watermark. */
  readonly ordered: boolean;
}

export class AsyncMapBehavior<In, Out> implements OperatorBehavior {
  readonly kind = 'asyncMap';
  readonly fn: (value: In) => Promise<Out>;
  readonly functionObject: FunctionObject | undefined;
  readonly limits: AsyncMapLimits;

  constructor(fn: AsyncMapFunction<In, Out>, limits: AsyncMapLimits) {
    this.fn = typeof fn === 'function' ? fn : fn.asyncMap.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
    this.limits = limits;
  }

  createOperator(): AsyncMapOperator<In, Out> {
    return new AsyncMapOperator(this);
  }
}

/** A record on its way, as state: after a restore it is asked for again. */
interface PendingRecord<In> {
  readonly value: In;
  readonly timestamp: number;
}

interface RecordEntry<In, Out> {
  readonly kind: 'record';
  readonly value: In;
  readonly timestamp: number;
  deadlineMs: number;
  state: 'waiting' | 'called' | 'done' | 'emitted';
  result: Out | undefined;
}

type Entry<In, Out> =
  | RecordEntry<In, Out>
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle'; readonly idle: boolean };

/** Above this many emitted entries at the front, the queue is cut. */
const COMPACT_ABOVE = 1024;

/**
 * Everything that arrives stands in one queue: records, watermarks, idleness. At most `capacity` records are called;
 * the rest of the batch at hand waits in the queue, and `isAvailable` asks for no further batch meanwhile.
 */
export class AsyncMapOperator<In, Out> extends FunctionOperator<In, Out> {
  readonly #fn: (value: In) => Promise<Out>;
  readonly #limits: AsyncMapLimits;
  #queue: Entry<In, Out>[] = [];
  /** The first entry that has not gone out. */
  #head = 0;
  /** The first record that may not have been called. */
  #nextCall = 0;
  #inFlight = 0;
  #waiting = 0;
  #pending!: ListStateOfOperator<PendingRecord<In>>;
  #drainQueued = false;
  #deadlineScheduled = false;
  #closed = false;
  #ended: (() => void) | undefined;

  constructor(behavior: AsyncMapBehavior<In, Out>) {
    super(behavior.functionObject);
    this.#fn = behavior.fn;
    this.#limits = behavior.limits;
  }

  override async open(): Promise<void> {
    await super.open();
    this.#pending = this.context.operatorState.list<PendingRecord<In>>('@in-flight', 'split');
    for (const { value, timestamp } of this.#pending.get()) {
      this.#enter(value, timestamp);
    }
  }

  process(value: In, timestamp: number): void {
    this.#enter(value, timestamp);
  }

  #enter(value: In, timestamp: number): void {
    this.#queue.push({ kind: 'record', value, timestamp, deadlineMs: 0, state: 'waiting', result: undefined });
    this.#waiting++;
    this.#callWaiting();
  }

  #callWaiting(): void {
    while (this.#waiting > 0 && this.#inFlight < this.#limits.capacity) {
      const entry = this.#queue[this.#nextCall++];
      if (entry?.kind === 'record' && entry.state === 'waiting') {
        this.#call(entry);
      }
    }
  }

  #call(entry: RecordEntry<In, Out>): void {
    entry.state = 'called';
    this.#waiting--;
    this.#inFlight++;
    entry.deadlineMs = this.context.clock.now() + this.#limits.timeoutMs;
    this.#watchDeadline(entry.deadlineMs);
    Promise.resolve(this.#fn(entry.value)).then(
      (result) => this.#completed(entry, result),
      (error: unknown) => this.#failed(error),
    );
  }

  #completed(entry: RecordEntry<In, Out>, result: Out): void {
    entry.state = 'done';
    entry.result = result;
    if (!this.#drainQueued && !this.#closed) {
      this.#drainQueued = true;
      this.context.enqueue(() => this.#drain());
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) {
      return;
    }
    this.context.fail(error);
  }

  /** In the mailbox: emits what is done and may go, then calls what waited; the task asks `isAvailable` after it. */
  #drain(): void {
    this.#drainQueued = false;
    if (this.#closed) {
      return;
    }
    this.#emitFront();
    if (!this.#limits.ordered) {
      this.#emitOutOfOrder();
      this.#emitFront();
    }
    this.#compact();
    this.#callWaiting();
    if (this.#ended !== undefined && this.#head === this.#queue.length) {
      this.#ended();
    }
  }

  #emitFront(): void {
    for (; this.#head < this.#queue.length; this.#head++) {
      const entry = this.#queue[this.#head]!;
      if (entry.kind === 'watermark') {
        this.next.processWatermark(entry.watermark);
      } else if (entry.kind === 'idle') {
        this.next.processIdle(entry.idle);
      } else if (entry.state === 'done') {
        this.#emit(entry);
      } else if (entry.state !== 'emitted') {
        return;
      }
    }
  }

  /** Up to the next watermark: a record that overtakes it could become late. */
  #emitOutOfOrder(): void {
    for (let i = this.#head; i < this.#queue.length; i++) {
      const entry = this.#queue[i]!;
      if (entry.kind === 'watermark' || (entry.kind === 'record' && entry.state === 'waiting')) {
        return;
      }
      if (entry.kind === 'record' && entry.state === 'done') {
        this.#emit(entry);
      }
    }
  }

  #emit(entry: RecordEntry<In, Out>): void {
    entry.state = 'emitted';
    this.#inFlight--;
    this.next.process(entry.result as Out, entry.timestamp);
  }

  #compact(): void {
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#nextCall = 0;
      this.#head = 0;
    } else if (this.#head > COMPACT_ABOVE) {
      this.#queue = this.#queue.slice(this.#head);
      this.#nextCall = Math.max(0, this.#nextCall - this.#head);
      this.#head = 0;
    }
  }

  override processWatermark(watermark: number): void {
    this.#pass({ kind: 'watermark', watermark });
  }

  override processIdle(idle: boolean): void {
    this.#pass({ kind: 'idle', idle });
  }

  #pass(entry: Entry<In, Out>): void {
    this.#queue.push(entry);
    this.#emitFront();
    this.#compact();
  }

  override isAvailable(): boolean {
    return this.#waiting === 0 && this.#inFlight < this.#limits.capacity;
  }

  /** Calls start in the order of the queue, so the oldest unfinished one has the earliest deadline. */
  #watchDeadline(deadlineMs: number): void {
    if (this.#deadlineScheduled) {
      return;
    }
    this.#deadlineScheduled = true;
    this.context.schedule(deadlineMs, () => this.#checkDeadline());
  }

  #checkDeadline(): void {
    this.#deadlineScheduled = false;
    if (this.#closed) {
      return;
    }
    const oldest = this.#queue
      .slice(this.#head)
      .find((entry): entry is RecordEntry<In, Out> => entry.kind === 'record' && entry.state === 'called');
    if (oldest === undefined) {
      return;
    }
    if (oldest.deadlineMs > this.context.clock.now()) {
      this.#watchDeadline(oldest.deadlineMs);
      return;
    }
    this.context.fail(
      new MillraceError(
        'TIMEOUT',
        `a call of the asyncMap operator '${this.context.operatorName}' took longer than ${this.#limits.timeoutMs} ms; ` +
          'raise its timeout, or give the function a limit of its own',
      ),
    );
  }

  override endInput(): void | Promise<void> {
    if (this.#head === this.#queue.length) {
      return;
    }
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  override snapshot(checkpointId: number): void {
    super.snapshot(checkpointId);
    const pending: PendingRecord<In>[] = [];
    for (let i = this.#head; i < this.#queue.length; i++) {
      const entry = this.#queue[i]!;
      if (entry.kind === 'record' && entry.state !== 'emitted') {
        pending.push({ value: entry.value, timestamp: entry.timestamp });
      }
    }
    this.#pending.update(pending);
  }

  override close(): void | Promise<void> {
    this.#closed = true;
    this.#ended?.();
    return super.close();
  }
}
