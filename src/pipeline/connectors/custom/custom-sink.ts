import { MillraceError } from '../../../foundation/common/errors.ts';
import type { AbortScope, Prepared, Sink, SinkWriter, SinkWriterContext } from '../sink.ts';

/** What a sink of your own does, in one subtask. `P` is what `prepare` returns and `commit` gets: plain data. */
export interface SinkFunctions<T, P> {
  /**
   * Takes one record. What it returns counts only if it is a promise. Promises may overlap, up to `maxInFlight`; all are awaited before a checkpoint. Calls are made in
   * the order of the records.
   */
  readonly write: (value: T, timestamp: number) => unknown;
  /**
   * Ends the transaction that `write` filled so that it survives a crash, unseen, and returns what `commit` needs, or
   * `undefined` when there is nothing to commit. `name` is unique for ever.
   */
  readonly prepare?: (name: string, checkpointId: number) => P | undefined | Promise<P | undefined>;
  /** Makes a prepared transaction visible. It may be called again for the same one, then it has to do nothing. */
  readonly commit?: (prepared: Prepared<P>) => void | Promise<void>;
  /** Drops what earlier attempts prepared and no checkpoint knows: everything whose name `scope.covers`. */
  readonly abort?: (scope: AbortScope<P>) => void | Promise<void>;
  readonly close?: () => void | Promise<void>;
}

export interface SinkOptions {
  /** In messages. */
  readonly name: string;
  /** How many promises of `write` may be pending; 64 when missing. */
  readonly maxInFlight?: number;
  /** Whether records written twice do no harm, as with an upsert; an older checkpoint may then be taken silently. */
  readonly bearsRepeats?: boolean;
}

/** One object for all subtasks of a thread, so that the parallelism is 1 unless the job says another. */
export interface SinkDefinition<T, P> extends SinkOptions, SinkFunctions<T, P> {
  readonly open?: (context: SinkWriterContext) => void | Promise<void>;
}

/**
 * A new set of functions for each subtask: what they keep between calls lives in the closure of `create`. Where `create`
 * has a parameter the compiler wants the type of `commit`'s written down: `commit: ({ value }: Prepared<Upload>) => ...`.
 */
export interface SinkFactory<T, P> extends SinkOptions {
  readonly create: (context: SinkWriterContext) => SinkFunctions<T, P> | Promise<SinkFunctions<T, P>>;
}

/**
 * A sink of your own. With `prepare` and `commit` its output is exactly-once: what was written between two checkpoints is
 * prepared with the second one and committed when that is complete. Without them it is at-least-once: records that came
 * after the newest checkpoint are written again after a restore.
 *
 * ```ts
 * import { sink } from 'millrace/connectors/custom';
 *
 * interface Invoice {
 *   readonly order: number;
 * }
 * declare const api: {
 *   post(invoice: Invoice): Promise<void>;
 *   upload(name: string, rows: readonly Invoice[]): Promise<string>;
 *   publish(upload: string): Promise<void>;
 *   uploads(): Promise<string[]>;
 *   discard(name: string): Promise<void>;
 * };
 *
 * const atLeastOnce = sink({ name: 'invoices', write: (invoice: Invoice) => api.post(invoice) });
 *
 * const exactlyOnce = sink({
 *   name: 'invoices',
 *   create: () => {
 *     const batch: Invoice[] = [];
 *     return {
 *       write: (invoice: Invoice) => batch.push(invoice),
 *       prepare: async (name: string) => (batch.length === 0 ? undefined : api.upload(name, batch.splice(0))),
 *       commit: ({ value }) => api.publish(value),
 *       abort: async (scope) => {
 *         for (const name of await api.uploads()) {
 *           if (scope.covers(name)) {
 *             await api.discard(name);
 *           }
 *         }
 *       },
 *     };
 *   },
 * });
 * ```
 */
export function sink<T, P = unknown>(definition: SinkDefinition<T, P>): Sink<T>;
export function sink<T, P = unknown>(definition: SinkFactory<T, P>): Sink<T>;
export function sink<T, P>(definition: SinkDefinition<T, P> | SinkFactory<T, P>): Sink<T> {
  const { name, maxInFlight, bearsRepeats = false } = definition;
  if (maxInFlight !== undefined && (!Number.isInteger(maxInFlight) || maxInFlight < 1)) {
    throw new MillraceError('BAD_OPTION', `sink "${name}": "maxInFlight" is ${maxInFlight}; allowed: from 1 on`);
  }
  if (!('create' in definition)) {
    checkPair(name, definition);
  }
  return {
    name,
    kind: 'custom',
    behavior: { createWriter: (context) => new CustomSinkWriter(context, definition), bearsRepeats },
    ...('create' in definition ? {} : { parallelism: 1 }),
  };
}

const checkPair = <T, P>(name: string, functions: SinkFunctions<T, P>): void => {
  if ((functions.prepare === undefined) !== (functions.commit === undefined)) {
    const [there, missing] = functions.prepare === undefined ? ['commit', 'prepare'] : ['prepare', 'commit'];
    throw new MillraceError('BAD_JOB', `sink "${name}" has "${there}" but no "${missing}"; give both or none`);
  }
};

const isPromise = (value: unknown): value is Promise<void> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

class CustomSinkWriter<T, P> implements SinkWriter<T, P> {
  readonly maxInFlight?: number;
  readonly #context: SinkWriterContext;
  readonly #definition: SinkDefinition<T, P> | SinkFactory<T, P>;
  #functions!: SinkFunctions<T, P>;
  #write!: SinkWriter<T, P>['write'];

  constructor(context: SinkWriterContext, definition: SinkDefinition<T, P> | SinkFactory<T, P>) {
    this.#context = context;
    this.#definition = definition;
    if (definition.maxInFlight !== undefined) {
      this.maxInFlight = definition.maxInFlight;
    }
  }

  async open(): Promise<void> {
    const definition = this.#definition;
    if ('create' in definition) {
      this.#functions = await definition.create(this.#context);
      checkPair(definition.name, this.#functions);
    } else {
      this.#functions = definition;
      await definition.open?.(this.#context);
    }
    // Keeps `this` for users who write methods.
    const functions = this.#functions;
    this.#write = (value, timestamp) => {
      const written: unknown = functions.write(value, timestamp);
      // `(row) => rows.push(row)` returns a number.
      return isPromise(written) ? written : undefined;
    };
  }

  readonly write = (value: T, timestamp: number): void | Promise<void> => this.#write(value, timestamp);

  prepare(name: string, checkpointId: number): P | undefined | Promise<P | undefined> {
    return this.#functions.prepare?.(name, checkpointId);
  }

  commit(prepared: Prepared<P>): void | Promise<void> {
    const commit = this.#functions.commit;
    if (commit === undefined) {
      throw new MillraceError(
        'BAD_JOB',
        `sink "${this.#definition.name}" has no "commit", but the restored checkpoint lists the transaction ` +
          `${prepared.name} that an earlier version of it prepared; give it "commit" back until that is committed`,
      );
    }
    return this.#functions.commit?.(prepared);
  }

  abort(scope: AbortScope<P>): void | Promise<void> {
    return this.#functions.abort?.(scope);
  }

  close(): void | Promise<void> {
    return (this.#functions as SinkFunctions<T, P> | undefined)?.close?.();
  }
}
