import { inspect } from 'node:util';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Prepared, Sink, SinkWriter, SinkWriterContext } from './sink.ts';

/**
 * Shows each record as a line on the terminal of whoever runs the job: `subtask> value`, the subtask counted from 1 and
 * left out where there is only one. Lines appear as records come, so that a restore may repeat some.
 */
export const print = (prefix?: string): Sink<unknown> => ({
  name: prefix === undefined ? 'print' : `print ${prefix}`,
  kind: 'print',
  behavior: { createWriter: (context) => new PrintWriter(context, prefix), bearsRepeats: true },
});

/** Takes records and drops them, for measuring. */
export const blackhole = (): Sink<unknown> => ({
  name: 'blackhole',
  kind: 'blackhole',
  behavior: { createWriter: () => blackholeWriter, bearsRepeats: true },
});

/** What a collecting sink hands to `toClient`: the rows of one transaction, at least once, under a name used once. */
export interface CollectedTransaction<T = unknown> {
  readonly transaction: string;
  readonly rows: readonly T[];
}

/**
 * Hands records to the caller, each exactly once: those of a checkpoint when it is complete, in a job without checkpoints
 * as they come. `name` is the channel's, unique in the job.
 */
export const collect = <T>(name: string): Sink<T> => ({
  name: `collect ${name}`,
  kind: 'collect',
  behavior: { createWriter: (context) => new CollectWriter<T>(context, name), bearsRepeats: false },
});

/** The receiving side of `collect`: takes each transaction once. */
export class CollectedRows<T> {
  readonly #seen: Set<string>;
  readonly #rows: T[] = [];

  /** `earlier` took what the run handed out that this one goes on from; a restore hands out the last of it once more. */
  constructor(earlier?: CollectedRows<T>) {
    this.#seen = new Set(earlier === undefined ? [] : earlier.#seen);
  }

  get rows(): readonly T[] {
    return this.#rows;
  }

  /** The rows that are new: none where the transaction came before. */
  accept(payload: CollectedTransaction<T>): readonly T[] {
    if (this.#seen.has(payload.transaction)) {
      return [];
    }
    this.#seen.add(payload.transaction);
    for (const row of payload.rows) {
      this.#rows.push(row);
    }
    return payload.rows;
  }
}

/** One value on one line, strings without quotes. */
export const formatPrinted = (value: unknown): string => {
  if (typeof value === 'string') {
    return value;
  }
  return typeof value === 'bigint'
    ? String(value)
    : inspect(value, { depth: 8, breakLength: Infinity, maxArrayLength: 1000 });
};

class PrintWriter implements SinkWriter<unknown, never> {
  readonly #toClient: SinkWriterContext['toClient'];
  readonly #prefix: string;

  constructor(context: SinkWriterContext, prefix: string | undefined) {
    this.#toClient = (channel, payload) => context.toClient(channel, payload);
    const subtask = context.parallelism > 1 ? String(context.subtask + 1) : '';
    const start = [prefix ?? '', subtask].filter((part) => part !== '').join(':');
    this.#prefix = start === '' ? '' : `${start}> `;
  }

  readonly write = (value: unknown): void => {
    this.#toClient('stdout', this.#prefix + formatPrinted(value));
  };

  prepare(): undefined {}

  commit(): void {}
}

const blackholeWriter: SinkWriter<unknown, never> = {
  write: () => {},
  prepare: () => undefined,
  commit: () => {},
};

/** Rows travel in the checkpoint, so that there must not be too many between two of them. */
const MAX_COLLECTED_ROWS = 1_000_000;

class CollectWriter<T> implements SinkWriter<T, readonly T[]> {
  readonly #context: SinkWriterContext;
  readonly #name: string;
  #rows: T[] = [];
  #handedOut = 0;

  constructor(context: SinkWriterContext, name: string) {
    this.#context = context;
    this.#name = name;
  }

  readonly write = (value: T): void => {
    if (this.#rows.length >= MAX_COLLECTED_ROWS) {
      throw new MillraceError(
        'BAD_JOB',
        `collect "${this.#name}" holds ${MAX_COLLECTED_ROWS} rows that no checkpoint has committed yet; it is made for ` +
          'small results: take checkpoints more often, aggregate first, or write to a file sink',
      );
    }
    this.#rows.push(value);
    if (!this.#context.checkpointing && this.#rows.length === 1) {
      // Once for all records that are pushed in one go.
      queueMicrotask(() => this.#handOut());
    }
  };

  prepare(): readonly T[] | undefined {
    const rows = this.#rows;
    this.#rows = [];
    return rows.length === 0 ? undefined : rows;
  }

  commit(prepared: Prepared<readonly T[]>): void {
    const payload: CollectedTransaction<T> = { transaction: prepared.name, rows: prepared.value };
    this.#context.toClient(this.#name, payload);
  }

  /** Without checkpoints. */
  #handOut(): void {
    const rows = this.prepare();
    if (rows !== undefined) {
      const { jobId, sinkId, subtask, generation } = this.#context;
      const transaction = `${jobId}-${sinkId}-${subtask}-${generation}-direct-${++this.#handedOut}`;
      this.commit({ name: transaction, value: rows });
    }
  }
}
