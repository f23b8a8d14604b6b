import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TimerHandle } from '../../foundation/common/clock.ts';
import type { OperatorId } from '../../foundation/common/ids.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import type { OperatorContext } from '../operators/operator.ts';
import { SinkOperator } from '../operators/sink-operator.ts';
import type { SinkBehavior } from './sink.ts';
import { ManualClock } from '../../testing/manual-clock.ts';

export const JOB_ID = '0123456789abcdef0123456789abcdef';
export const SINK_ID = 'fedcba9876543210fedcba9876543210';

/** Timers fire in the next turn of the event loop and take the time along. */
class EagerClock extends ManualClock {
  override after(delayMs: number, run: () => void): TimerHandle {
    const timer = super.after(delayMs, run);
    void nextTurn().then(() => this.advanceBy(delayMs));
    return timer;
  }
}

/** The lists of one subtask at one checkpoint, by name. */
export type SubtaskLists = Readonly<Record<string, readonly unknown[]>>;

export interface AttemptOptions<T, P> {
  readonly behavior: SinkBehavior<T, P>;
  readonly subtask?: number;
  readonly parallelism?: number;
  /** `epoch.number`. */
  readonly generation?: string;
  readonly jobId?: string;
  readonly claimedJobId?: string;
  readonly checkpointing?: boolean;
  /** The lists of all subtasks of the restored checkpoint. */
  readonly restored?: { readonly checkpointId: number; readonly subtasks: readonly SubtaskLists[] } | undefined;
  readonly clock?: ManualClock;
  readonly toClient?: (channel: string, payload: unknown) => void;
}

/** One attempt of one sink subtask, driven as a task drives it. */
export class SinkAttempt<T, P> {
  readonly operator: SinkOperator<T, P>;
  readonly clock: ManualClock;
  /** What the operator failed the task with. */
  failure: unknown;
  /** How often the operator asked to be looked at again. */
  enqueued = 0;
  /** What the operator wants to run later; a test runs it. */
  readonly scheduled: { readonly atMs: number; readonly run: () => void }[] = [];
  readonly #lists = new Map<string, unknown[]>();

  constructor(options: AttemptOptions<T, P>) {
    this.clock = options.clock ?? new EagerClock();
    this.operator = new SinkOperator(options.behavior);
    for (const subtask of options.restored?.subtasks ?? []) {
      for (const [name, items] of Object.entries(subtask)) {
        this.#lists.set(name, [...(this.#lists.get(name) ?? []), ...structuredClone(items)]);
      }
    }
    this.operator.setup(this.#context(options), {
      process: () => {},
      processWatermark: () => {},
      processIdle: () => {},
    });
  }

  async open(): Promise<this> {
    await this.operator.open();
    return this;
  }

  write(...values: readonly T[]): void {
    for (const value of values) {
      this.operator.process(value, 0);
    }
  }

  /** Prepares and takes the snapshot: what the subtask acknowledges. */
  async checkpoint(checkpointId: number): Promise<SubtaskLists> {
    await this.operator.prepareSnapshot(checkpointId);
    this.operator.snapshot(checkpointId);
    return structuredClone(Object.fromEntries(this.#lists));
  }

  #context(options: AttemptOptions<T, P>): OperatorContext {
    const unexpected = (what: string) => (): never => {
      throw new Error(`a sink does not use ${what}`);
    };
    return {
      operatorId: SINK_ID as OperatorId,
      operatorName: 'sink under test',
      jobId: options.jobId ?? JOB_ID,
      jobName: 'job under test',
      subtask: options.subtask ?? 0,
      parallelism: options.parallelism ?? 1,
      maxParallelism: 128,
      generation: options.generation ?? '1.1',
      clock: this.clock,
      logger: silentLogger,
      checkpointing: options.checkpointing ?? true,
      restoredCheckpointId: options.restored?.checkpointId,
      claimedJobId: options.claimedJobId,
      keyedState: unexpected('keyed state'),
      operatorState: this.#operatorState(),
      sideOutput: unexpected('side outputs'),
      schedule: (atMs, run) => void this.scheduled.push({ atMs, run }),
      enqueue: () => {
        this.enqueued++;
      },
      toClient: (channel, payload) => options.toClient?.(channel, payload),
      fail: (error) => {
        this.failure ??= error;
      },
    };
  }

  #operatorState(): OperatorContext['operatorState'] {
    return {
      list: <V>(name: string) => ({
        get: () => (this.#lists.get(name) ?? []) as V[],
        update: (values: readonly V[]) => void this.#lists.set(name, [...values]),
        add: (value: V) => void this.#lists.set(name, [...(this.#lists.get(name) ?? []), value]),
      }),
    };
  }
}
