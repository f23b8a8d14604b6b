import type { Duration } from '../../foundation/common/duration.ts';
import { checkpointingOptions } from '../../foundation/config/options/checkpointing-options.ts';
import { executionOptions } from '../../foundation/config/options/execution-options.ts';
import { elements } from '../connectors/generator/elements.ts';
import type { Source } from '../connectors/source.ts';
import type { SingleOutputStreamOperator } from './data-stream.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { restartSettings, type RestartStrategy } from './restart-strategy.ts';
import { durationSetting, setting, type Setting } from './settings.ts';

/** What is not given is as configured (`execution.checkpointing.*`). */
export interface CheckpointingOptions {
  /** From the start of one checkpoint to the start of the next. */
  readonly interval: Duration;
  /** `exactly-once` when missing. */
  readonly mode?: 'exactly-once' | 'at-least-once';
  /** A checkpoint that takes longer is given up. */
  readonly timeout?: Duration;
  /** Rest between the end of one checkpoint and the start of the next. */
  readonly minPause?: Duration;
  /** How many checkpoints in a row may fail before the job fails. */
  readonly tolerableFailures?: number;
  /** Completed checkpoints that are kept. */
  readonly numRetained?: number;
  /** What becomes of the last checkpoint when the job is cancelled. */
  readonly retention?: 'DELETE_ON_CANCELLATION' | 'RETAIN_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';
}

/** What a job's builder draws with: sources, and settings of the whole job. */
export class StreamExecutionEnvironment {
  readonly #builder: GraphBuilder;

  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  /**
   * Checkpoints at this interval; without them a failed job starts from nothing.
   *
   * ```ts
   * env.enableCheckpointing({ interval: '5s', mode: 'exactly-once', minPause: '1s' });
   * ```
   */
  enableCheckpointing(options: CheckpointingOptions | Duration): this {
    const given = typeof options === 'object' ? options : { interval: options };
    return this.#set([
      ...durationSetting(checkpointingOptions.interval, given.interval),
      ...setting(checkpointingOptions.mode, given.mode),
      ...durationSetting(checkpointingOptions.timeout, given.timeout),
      ...durationSetting(checkpointingOptions.minPause, given.minPause),
      ...setting(checkpointingOptions.tolerableFailures, given.tolerableFailures),
      ...setting(checkpointingOptions.numRetained, given.numRetained),
      ...setting(checkpointingOptions.retention, given.retention),
    ]);
  }

  /** Reads a source; connectors make them. */
  from<T>(source: Source<T>): SingleOutputStreamOperator<T> {
    const { warning } = source.behavior;
    if (warning !== undefined) {
      this.#builder.warnings.push(warning);
    }
    const node = this.#builder.add({
      kind: 'source',
      operator: 'source',
      behavior: source.behavior,
      inputs: [],
      stateful: true,
      name: source.name,
      parallelism: source.parallelism,
      parallelismLimit: source.maxParallelism,
      source: source.plan,
    });
    return this.#builder.streams.output(this.#builder, node);
  }

  /**
   * The given records, in order, for examples and tests.
   *
   * ```ts
   * env.fromElements(1, 2, 3).map((n) => n * n).print();
   * ```
   */
  fromElements<T>(...records: T[]): SingleOutputStreamOperator<T> {
    return this.from(elements(records));
  }

  /** The records of a collection, in order; the collection has to be the same at each run of the builder. */
  fromCollection<T>(records: Iterable<T>): SingleOutputStreamOperator<T> {
    return this.from(elements([...records]));
  }

  /** Of all operators that set none. */
  setParallelism(parallelism: number): this {
    this.#builder.checkParallelism('the parallelism of the job', parallelism);
    return this.#set(setting(executionOptions.parallelism, parallelism));
  }

  /** Number of key groups of all operators that set none; fixed once there is state. */
  setMaxParallelism(maxParallelism: number): this {
    this.#builder.checkParallelism('the max parallelism of the job', maxParallelism);
    return this.#set(setting(executionOptions.maxParallelism, maxParallelism));
  }

  /** Runs each operator in a task of its own, to see where time goes. */
  disableOperatorChaining(): this {
    return this.#set(setting(executionOptions.chaining, false));
  }

  /** What happens after a failure, such as `{ kind: 'fixed-delay', attempts: 3, delay: '10s' }`. */
  setRestartStrategy(strategy: RestartStrategy): this {
    return this.#set(restartSettings(strategy));
  }

  /** Any configuration key, for this job only. */
  configure(key: string, value: string | number | boolean): this {
    return this.#set([{ key, value: String(value) }]);
  }

  #set(settings: readonly Setting[]): this {
    for (const { key, value } of settings) {
      this.#builder.configure(key, value);
    }
    return this;
  }
}
