import { assert, present } from '../foundation/common/assert.ts';
import type { OperatorId } from '../foundation/common/ids.ts';
import { keyGroupRangeOf } from '../foundation/common/key-groups.ts';
import { silentLogger, type Logger } from '../foundation/common/logger.ts';
import type { DataStream, SingleOutputStreamOperator } from '../pipeline/api/data-stream.ts';
import { job } from '../pipeline/api/job.ts';
import { elements } from '../pipeline/connectors/generator/elements.ts';
import {
  NO_TIMESTAMP,
  type Downstream,
  type Operator,
  type OperatorBehavior,
  type OperatorContext,
} from '../pipeline/operators/operator.ts';
import type { OutputTag } from '../pipeline/operators/output-tag.ts';
import { HeapKeyedBackend } from '../runtime/state/heap/heap-keyed-backend.ts';
import { MemoryStateStorage } from '../runtime/state/memory-state-storage.ts';
import type { KeyedStateHandle, StateHandle, StateReader } from '../runtime/state/state-handle.ts';
import { HarnessOperatorState } from './harness-operator-state.ts';
import { ManualClock } from './manual-clock.ts';

/** What an operator emitted, in order. A record has a timestamp unless it came without one. */
export type HarnessOutput<T> =
  | { readonly kind: 'record'; readonly value: T; readonly timestamp?: number }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle'; readonly idle: boolean };

/** What a subtask has in a checkpoint. */
export interface HarnessSnapshot {
  readonly keyed: KeyedStateHandle | undefined;
  readonly operatorState: Uint8Array;
  readonly storage: MemoryStateStorage;
}

export interface HarnessOptions {
  /** Snapshots of all old subtasks. */
  readonly restore?: readonly HarnessSnapshot[];
  readonly subtask?: number;
  readonly parallelism?: number;
  readonly maxParallelism?: number;
  readonly clock?: ManualClock;
  readonly logger?: Logger;
  /** Configuration of the job, such as `pipeline.auto-watermark-interval`. */
  readonly configuration?: Readonly<Record<string, string>>;
}

/**
 * Drives one operator, without a cluster: records, watermarks and a clock that a test moves.
 *
 * ```ts
 * import type { DataStream } from 'millrace';
 * import { OperatorHarness } from 'millrace/testing';
 *
 * const harness = await OperatorHarness.open((input: DataStream<number>) => input.map((n) => n * 2));
 * harness.process(21);
 * harness.values; // [42]
 * await harness.close();
 * ```
 */
export class OperatorHarness<In, Out> {
  readonly clock: ManualClock;
  /** Errors out of async work. */
  readonly failures: unknown[] = [];
  readonly #operator: Operator<In, Out>;
  readonly #backend: HeapKeyedBackend;
  readonly #operatorState = new HarnessOperatorState();
  readonly #options: HarnessOptions;
  #usesKeyedState = false;
  #isOpen = false;
  #isRunning = false;
  readonly #actions: (() => void)[] = [];
  readonly #events: HarnessOutput<Out>[] = [];
  readonly #sideOutputs = new Map<string, HarnessOutput<unknown>[]>();

  private constructor(operator: Operator<In, Out>, options: HarnessOptions) {
    const { subtask = 0, parallelism = 1, maxParallelism = 128 } = options;
    const range = keyGroupRangeOf(subtask, maxParallelism, parallelism);
    this.clock = options.clock ?? new ManualClock();
    this.#options = options;
    this.#operator = operator;
    this.#backend = new HeapKeyedBackend({
      operatorName: 'harness',
      maxParallelism,
      keyGroupStart: range.start,
      keyGroupEnd: range.end,
      backendId: `harness-${subtask}-${options.restore === undefined ? 'new' : 'restored'}`,
    });
  }

  /** Opens the operator that `draw` adds to a stream. */
  static async open<In, Out>(
    draw: (input: DataStream<In>) => SingleOutputStreamOperator<Out>,
    options: HarnessOptions = {},
  ): Promise<OperatorHarness<In, Out>> {
    const drawn = job('harness', (env) => draw(env.from(elements<In>([]))).blackhole());
    const { graph } = drawn.build([], options.configuration ?? {});
    const [node, ...others] = graph.nodes.filter((each) => each.kind === 'operator');
    assert(node !== undefined && others.length === 0, 'a harness drives exactly one operator');
    const operator = (node.behavior as OperatorBehavior).createOperator() as Operator<In, Out>;
    const harness = new OperatorHarness<In, Out>(operator, options);
    await harness.#open(node.name);
    return harness;
  }

  async #open(operatorName: string): Promise<void> {
    const { restore, subtask = 0, parallelism = 1 } = this.#options;
    this.#operator.setup(this.#context(operatorName), collectorOf(this.#events));
    if (restore !== undefined) {
      const saved = restore.map((snapshot) => snapshot.operatorState);
      this.#operatorState.restore(saved, subtask, parallelism);
      const handles = restore.flatMap(({ keyed }) => (keyed === undefined ? [] : [keyed]));
      await this.#backend.restore(handles, readerOf(restore), 1);
    }
    await this.#operator.open();
    this.#isOpen = true;
    this.#runActions();
  }

  #context(operatorName: string): OperatorContext {
    const { subtask = 0, parallelism = 1, maxParallelism = 128, logger = silentLogger, restore } = this.#options;
    return {
      operatorId: '0'.repeat(32) as OperatorId,
      operatorName,
      jobId: 'harness',
      jobName: 'harness',
      subtask,
      parallelism,
      maxParallelism,
      generation: '1.1',
      clock: this.clock,
      logger,
      checkpointing: true,
      restoredCheckpointId: restore === undefined ? undefined : 1,
      keyedState: () => {
        this.#usesKeyedState = true;
        return this.#backend;
      },
      operatorState: this.#operatorState,
      sideOutput: (tag) => collectorOf(this.#sideOutput(tag)),
      schedule: (atMs, run) => {
        this.clock.after(atMs - this.clock.now(), () => this.#enqueue(run));
      },
      enqueue: (run) => this.#enqueue(run),
      toClient: () => {},
      fail: (error) => this.failures.push(error),
    };
  }

  process(value: In, timestamp: number = NO_TIMESTAMP): void {
    this.#operator.process(value, timestamp);
    this.#runActions();
  }

  processAll(values: Iterable<In>): void {
    for (const value of values) {
      this.process(value);
    }
  }

  watermark(watermark: number): void {
    this.#operator.processWatermark(watermark);
    this.#runActions();
  }

  idle(idle: boolean): void {
    this.#operator.processIdle(idle);
    this.#runActions();
  }

  /** Moves the clock; timers fire on the way. */
  advanceTo(timeMs: number): void {
    this.clock.advanceTo(timeMs);
  }

  /** The input ends: the last watermark, then whatever the operator holds back. */
  async endInput(): Promise<void> {
    this.watermark(Infinity);
    await this.#operator.endInput();
  }

  get isAvailable(): boolean {
    return this.#operator.isAvailable();
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#operator.counters();
  }

  /** Lets promises settle that wait for nothing outside of the test. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      await Promise.resolve();
      this.#runActions();
    }
  }

  /** Everything emitted since the last call of `take`. */
  get events(): readonly HarnessOutput<Out>[] {
    return this.#events;
  }

  /** The records among `events`. */
  get values(): readonly Out[] {
    return valuesOf(this.#events);
  }

  /** The records among `events`, and forgets them all. */
  take(): readonly Out[] {
    return valuesOf(this.#events.splice(0));
  }

  sideValues<S>(tag: OutputTag<S>): readonly S[] {
    return valuesOf(this.#sideOutput(tag.name) as HarnessOutput<S>[]);
  }

  /** A snapshot as of now, written at once. */
  async snapshot(): Promise<HarnessSnapshot> {
    return (await this.markSnapshot())();
  }

  /** A snapshot as of now, written when the result is called: more records may come in between. */
  async markSnapshot(checkpointId = 1): Promise<() => Promise<HarnessSnapshot>> {
    await this.#operator.prepareSnapshot(checkpointId);
    this.#operator.snapshot(checkpointId);
    const operatorState = this.#operatorState.save();
    const storage = new MemoryStateStorage();
    const pending = this.#usesKeyedState ? this.#backend.snapshot({ checkpointId }) : undefined;
    return async () => ({ keyed: await pending?.write(storage, () => Promise.resolve()), operatorState, storage });
  }

  async close(): Promise<void> {
    await this.#operator.close();
  }

  #sideOutput(tag: string): HarnessOutput<unknown>[] {
    let events = this.#sideOutputs.get(tag);
    if (events === undefined) {
      events = [];
      this.#sideOutputs.set(tag, events);
    }
    return events;
  }

  #enqueue(run: () => void): void {
    this.#actions.push(run);
    if (this.#isOpen && !this.#isRunning) {
      this.#runActions();
    }
  }

  #runActions(): void {
    this.#isRunning = true;
    try {
      for (let action = this.#actions.shift(); action !== undefined; action = this.#actions.shift()) {
        action();
      }
    } finally {
      this.#isRunning = false;
    }
  }
}

const collectorOf = <T>(events: HarnessOutput<T>[]): Downstream<T> => ({
  process: (value, timestamp) => {
    events.push(timestamp === NO_TIMESTAMP ? { kind: 'record', value } : { kind: 'record', value, timestamp });
  },
  processWatermark: (watermark) => {
    events.push({ kind: 'watermark', watermark });
  },
  processIdle: (idle) => {
    events.push({ kind: 'idle', idle });
  },
});

const valuesOf = <T>(events: readonly HarnessOutput<T>[]): T[] =>
  events.flatMap((event) => (event.kind === 'record' ? [event.value] : []));

/** Reads each handle where the subtask that wrote it put its files. */
const readerOf = (snapshots: readonly HarnessSnapshot[]): StateReader => {
  const owners = new Map<StateHandle, MemoryStateStorage>();
  for (const { keyed, storage } of snapshots) {
    for (const { handle } of keyed?.segments ?? []) {
      owners.set(handle, storage);
    }
  }
  return { read: (handle) => present(owners.get(handle), 'the storage of a handle').read(handle) };
};
