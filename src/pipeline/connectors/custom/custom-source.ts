import { type Duration, parseDuration } from '../../../foundation/common/duration.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { SourcePlan } from '../../graph/stream-graph.ts';
import { OWN_ENUMERATOR, type EnumeratorFactory, type Source } from '../source.ts';
import type { StaticSplitsConfig } from '../static-splits-enumerator.ts';
import { CustomReader } from './custom-reader.ts';
import { foundSplitsEnumerator, splitOf } from './found-splits-enumerator.ts';

/** What a user's `read` learns about the split that it reads. */
export interface SplitContext {
  /** One of `splits`; `'0'` where there are none. */
  readonly split: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly jobName: string;
  /** Aborted when the task ends: give it to `fetch` and the like, so that nothing is waited for in vain. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * Finds the splits when the job starts. It runs beside the JobManager, in a thread of the job with a limit of memory
 * (`jobmanager.user-code.memory.heap.size`), and has to be done within `jobmanager.user-code.timeout`. What it throws fails the job.
 */
export type FindSplits = () => readonly string[] | Promise<readonly string[]>;

export interface CustomSourceOptions<T> {
  /** In messages, and the start of the splits' ids: keep it when the job changes. */
  readonly name: string;
  /** Parts that can be read apart from each other, such as topics or folders; `read` is called once for each. */
  readonly splits?: readonly string[] | FindSplits;
  /**
   * With a function as `splits`: it is called again that long after it last returned, and what is new is read too. Without
   * it, it is called once.
   */
  readonly discoverEvery?: Duration;
  /**
   * Whether the data has an end. An unbounded source reads all its splits at the same time, a bounded one hands them out
   * one after the other. `false` when missing; a `read` that returns ends its split either way.
   */
  readonly bounded?: boolean;
  /** The event time of a record, in milliseconds since 1970. */
  readonly timestamps?: (record: T) => number;
  /** How many records are read ahead; 1024 when missing. */
  readonly maxReadAhead?: number;
}

export interface PositionedSource<T, P> extends CustomSourceOptions<T> {
  /**
   * Yields `[record, position]`, the position *after* that record: after a restore `read` is called with the position of
   * the last record that counts and goes on behind it; at the first start it is `undefined`. A position is plain data.
   */
  readonly read: (position: P | undefined, context: SplitContext) => AsyncIterable<readonly [record: T, position: P]>;
  readonly positions?: true;
}

export interface UnpositionedSource<T> extends CustomSourceOptions<T> {
  /** Yields records. After a restore it is called again and what it yields then is taken as new. */
  readonly read: (position: undefined, context: SplitContext) => AsyncIterable<T>;
  readonly positions: false;
}

/**
 * A source of your own, from an async generator.
 *
 * ```ts
 * import { source } from 'millrace/connectors/custom';
 *
 * const orders = source({
 *   name: 'orders',
 *   read: async function* (position: number = 0, { signal }) {
 *     for (let after = position; ; ) {
 *       const response = await fetch(`https://example.com/orders?after=${after}`, { signal });
 *       for (const order of (await response.json()) as { id: number }[]) {
 *         yield [order, (after = order.id)];
 *       }
 *     }
 *   },
 * });
 * ```
 *
 * The generator is pulled ahead of the job by at most `maxReadAhead` records and stands still under backpressure. What it
 * throws fails the task. At the end of the task `return()` is called, so that `finally` blocks run.
 */
export function source<T, P>(definition: PositionedSource<T, P>): Source<T>;
export function source<T>(definition: UnpositionedSource<T>): Source<T>;
export function source<T, P>(definition: PositionedSource<T, P> | UnpositionedSource<T>): Source<T> {
  const { name, bounded = false, maxReadAhead = DEFAULT_READ_AHEAD } = definition;
  const planned = planSplits(definition, bounded);
  if (!Number.isInteger(maxReadAhead) || maxReadAhead < 1) {
    throw new MillraceError('BAD_OPTION', `source "${name}": "maxReadAhead" is ${maxReadAhead}; allowed: from 1 on`);
  }
  const positions = definition.positions ?? true;
  const warning = positions
    ? undefined
    : `source "${name}" has no positions: after a restore it starts from the beginning of what it reads then, so that ` +
      'records may be missing or come twice; yield [record, position] to make it exact';
  return {
    name,
    behavior: {
      createReader: (context) =>
        new CustomReader(context, {
          name,
          positions,
          maxReadAhead,
          splitsAtOnce: bounded ? 1 : Infinity,
          timestamps: definition.timestamps,
          read: definition.read as (position: unknown, context: SplitContext) => AsyncIterable<unknown>,
        }),
      ...(warning === undefined ? {} : { warning }),
      ...(planned.enumerator === undefined ? {} : { enumerator: planned.enumerator }),
    },
    plan: planned.plan,
    ...(planned.count === 1 ? { parallelism: 1 } : {}),
    ...(planned.count === undefined ? {} : { maxParallelism: planned.count }),
  };
}

interface PlannedSplits {
  readonly plan: SourcePlan;
  readonly enumerator?: EnumeratorFactory;
  /** `undefined`: known when they are found. */
  readonly count?: number;
}

const planSplits = (definition: CustomSourceOptions<never>, bounded: boolean): PlannedSplits => {
  const { name, splits = ['0'], discoverEvery } = definition;
  if (discoverEvery !== undefined && (bounded || typeof splits !== 'function')) {
    throw new MillraceError(
      'BAD_OPTION',
      `source "${name}": "discoverEvery" goes with a function as "splits" and an unbounded source`,
    );
  }
  if (typeof splits === 'function') {
    const discoverEveryMs =
      discoverEvery === undefined ? undefined : Math.max(1, parseDuration(discoverEvery, 'discoverEvery'));
    return {
      plan: { enumerator: OWN_ENUMERATOR, config: {}, bounded },
      enumerator: foundSplitsEnumerator({ name, bounded, discoverEveryMs, find: splits }),
    };
  }
  checkSplits(name, splits);
  const config: StaticSplitsConfig = {
    splits: splits.map((split) => splitOf(name, split)),
    assignment: bounded ? 'pull' : 'by-index',
  };
  return { plan: { enumerator: 'static-splits', config, bounded }, count: splits.length };
};

const DEFAULT_READ_AHEAD = 1024;

const checkSplits = (name: string, splits: readonly string[]): void => {
  if (splits.length === 0) {
    throw new MillraceError(
      'BAD_OPTION',
      `source "${name}": "splits" is empty; leave it out for a source of one split`,
    );
  }
  const repeated = splits.find((split, index) => splits.indexOf(split) !== index);
  if (repeated !== undefined) {
    throw new MillraceError('BAD_OPTION', `source "${name}": the split "${repeated}" is there twice; name each once`);
  }
};
