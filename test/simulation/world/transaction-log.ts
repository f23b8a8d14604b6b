import type { Sink } from '../../../src/pipeline/connectors/sink.ts';
import { sink } from '../../../src/pipeline/connectors/custom/index.ts';

/** What came of a call of the log, as far as its caller hears. */
export type CallOutcome = 'done' | 'failed' | 'done-and-failed';

interface Transaction {
  readonly records: readonly string[];
  state: 'prepared' | 'committed' | 'aborted';
}

/**
 * A transactional log outside of the cluster, as Kafka is one: what is prepared survives its writer, a commit may be repeated, an
 * answer may get lost. What was committed can be read by everybody, in the order of the commits.
 */
export class TransactionLog {
  readonly #transactions = new Map<string, Transaction>();
  readonly #committed: string[] = [];
  /** Whoever wrote under such a name writes no more, as a producer of an earlier epoch. */
  readonly #fences: ((name: string) => boolean)[] = [];
  /** Prepared, committed or aborted against the rules: the first word says which rule. */
  readonly violations: string[] = [];
  readonly #outcomeOf: () => CallOutcome;

  constructor(outcomeOf: () => CallOutcome) {
    this.#outcomeOf = outcomeOf;
  }

  /** All records that readers see, in order. */
  get committed(): readonly string[] {
    return this.#committed;
  }

  /** Names of transactions that are neither committed nor aborted (I13). */
  get open(): readonly string[] {
    return [...this.#transactions].filter(([, { state }]) => state === 'prepared').map(([name]) => name);
  }

  /** Errors: the call failed, and may have happened. */
  prepare(name: string, records: readonly string[]): void {
    if (this.#fences.some((covers) => covers(name))) {
      throw new Error(`the writer of ${name} is fenced`);
    }
    this.#call(() => {
      if (this.#transactions.has(name)) {
        this.violations.push(`R3: transaction ${name} is prepared a second time`);
      }
      this.#transactions.set(name, { records, state: 'prepared' });
    });
  }

  commit(name: string): void {
    this.#call(() => {
      const transaction = this.#transactions.get(name);
      if (transaction === undefined || transaction.state === 'aborted') {
        this.violations.push(`R3: transaction ${name} is committed and was ${transaction?.state ?? 'never prepared'}`);
      } else if (transaction.state === 'prepared') {
        transaction.state = 'committed';
        transaction.records.forEach((record) => this.#committed.push(record));
      }
    });
  }

  /** All prepared ones that `covers` names; none of them is prepared any more. */
  abort(covers: (name: string) => boolean): void {
    this.#call(() => {
      this.#fences.push(covers);
      for (const [name, transaction] of this.#transactions) {
        if (transaction.state === 'prepared' && covers(name)) {
          transaction.state = 'aborted';
        }
      }
    });
  }

  #call(act: () => void): void {
    const outcome = this.#outcomeOf();
    if (outcome !== 'failed') {
      act();
    }
    if (outcome !== 'done') {
      throw new Error('the log did not answer');
    }
  }
}

/** Records into the log, exactly once. `arrived`: a record has come, which is not committed yet. */
export const logSink = (log: TransactionLog, arrived: () => void): Sink<string> =>
  sink<string, string>({
    name: 'log',
    create: () => {
      let records: string[] = [];
      return {
        write: (record) => {
          records.push(record);
          arrived();
        },
        prepare: (name) => {
          if (records.length === 0) {
            return undefined;
          }
          log.prepare(name, records);
          records = [];
          return name;
        },
        commit: ({ value }) => log.commit(value),
        abort: (scope) => log.abort((name) => scope.covers(name)),
      };
    },
  });
