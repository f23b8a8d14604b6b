import type { EnumeratorDecision, EnumeratorFactory, Split, SplitEnumerator } from './source.ts';

/** Splits that are known when the job is built. */
export interface StaticSplitsConfig {
  readonly splits: readonly Split[];
  /** `pull`: one by one to whoever asks. `by-index`: split i to reader i modulo parallelism, when it registers. */
  readonly assignment: 'pull' | 'by-index';
}

/** Ids, not splits: the splits themselves are in the configuration. */
interface StaticSplitsState {
  readonly assigned: readonly string[];
}

/** Hands out a fixed list; the order is that of the list, splits that came back go first in it again. */
class StaticSplitsEnumerator implements SplitEnumerator {
  readonly #config: StaticSplitsConfig;
  readonly #parallelism: number;
  readonly #assigned: Set<string>;
  /** Places in the list of `#config.splits`, ascending; no split before `#from` is free. */
  #from = 0;

  constructor(config: StaticSplitsConfig, parallelism: number, state: StaticSplitsState | undefined) {
    this.#config = config;
    this.#parallelism = parallelism;
    this.#assigned = new Set(state?.assigned);
  }

  discovered(): EnumeratorDecision {
    return {};
  }

  readerRegistered(subtask: number, held: readonly Split[]): EnumeratorDecision {
    for (const { id } of held) {
      this.#assigned.add(id);
    }
    if (this.#config.assignment === 'pull') {
      return {};
    }
    const splits = this.#config.splits.filter(
      ({ id }, place) => place % this.#parallelism === subtask && !this.#assigned.has(id),
    );
    for (const { id } of splits) {
      this.#assigned.add(id);
    }
    return { assign: [{ subtask, splits }], noMoreSplits: [subtask] };
  }

  splitRequested(subtask: number): EnumeratorDecision {
    if (this.#config.assignment === 'by-index') {
      return {};
    }
    const split = this.#nextFree();
    if (split === undefined) {
      return { noMoreSplits: [subtask] };
    }
    this.#assigned.add(split.id);
    return { assign: [{ subtask, splits: [split] }] };
  }

  splitsReturned(splits: readonly Split[]): EnumeratorDecision {
    for (const { id } of splits) {
      this.#assigned.delete(id);
    }
    this.#from = 0;
    return {};
  }

  splitsAssigned(splits: readonly Split[]): void {
    for (const { id } of splits) {
      this.#assigned.add(id);
    }
  }

  snapshot(): StaticSplitsState {
    return { assigned: [...this.#assigned] };
  }

  #nextFree(): Split | undefined {
    const { splits } = this.#config;
    while (this.#from < splits.length && this.#assigned.has(splits[this.#from]!.id)) {
      this.#from++;
    }
    return splits[this.#from];
  }
}

export const staticSplitsEnumerator: EnumeratorFactory = {
  kind: 'static-splits',
  create: (config, parallelism, state) =>
    new StaticSplitsEnumerator(config as StaticSplitsConfig, parallelism, state as StaticSplitsState | undefined),
};
