import { MillraceError } from '../../../foundation/common/errors.ts';
import {
  OWN_ENUMERATOR,
  type EnumeratorDecision,
  type EnumeratorFactory,
  type Split,
  type SplitEnumerator,
} from '../source.ts';
import type { FindSplits } from './custom-source.ts';

export interface FoundSplitsOptions {
  readonly name: string;
  /** Bounded: one by one to whoever asks. Else all splits are read at the same time. */
  readonly bounded: boolean;
  readonly discoverEveryMs: number | undefined;
  readonly find: FindSplits;
}

interface NamedSplit extends Split {
  readonly split: string;
}

interface FoundSplitsState {
  /** Ids of everything that was ever found. */
  readonly seen: readonly string[];
  readonly unassigned: readonly NamedSplit[];
  readonly complete: boolean;
}

export const splitOf = (source: string, split: string): NamedSplit => ({ id: `${source}/${split}`, split });

/** A reader asks for the split in hand and one in advance; more than that is a request that was repeated. */
const MAX_REQUESTS = 2;

/** Hands out splits that a function of the user's finds. */
class FoundSplitsEnumerator implements SplitEnumerator {
  readonly discoverEveryMs: number | undefined;
  readonly #options: FoundSplitsOptions;
  readonly #parallelism: number;
  readonly #seen: Set<string>;
  #unassigned: NamedSplit[];
  #complete: boolean;
  /** Readers that take nothing any more. */
  readonly #ended = new Set<number>();
  /** Who has which split, by its id; unknown after a restore until its reader registers. */
  readonly #owners = new Map<string, number>();
  /** Bounded: how many splits each reader waits for. */
  readonly #waiting = new Map<number, number>();

  constructor(options: FoundSplitsOptions, parallelism: number, state: FoundSplitsState | undefined) {
    this.#options = options;
    this.#parallelism = parallelism;
    this.discoverEveryMs = options.discoverEveryMs;
    this.#seen = new Set(state?.seen);
    this.#unassigned = [...(state?.unassigned ?? [])];
    this.#complete = state?.complete ?? false;
  }

  async discover(): Promise<readonly NamedSplit[]> {
    const { name, find } = this.#options;
    const found: unknown = await find();
    if (!Array.isArray(found) || found.some((split) => typeof split !== 'string')) {
      throw new MillraceError('BAD_JOB', `its "splits" function did not return an array of texts`);
    }
    return [...new Set(found as readonly string[])].map((split) => splitOf(name, split));
  }

  discovered(splits: readonly Split[]): EnumeratorDecision {
    for (const split of splits as readonly NamedSplit[]) {
      if (!this.#seen.has(split.id)) {
        this.#seen.add(split.id);
        this.#unassigned.push(split);
      }
    }
    this.#complete = this.discoverEveryMs === undefined;
    const everybody = Array.from({ length: this.#parallelism }, (_, subtask) => subtask);
    return this.#handOut(everybody);
  }

  readerRegistered(subtask: number, held: readonly Split[]): EnumeratorDecision {
    // What it waits for stays: its registration may come twice, a split too many does no harm.
    for (const { id } of held) {
      this.#owners.set(id, subtask);
      this.#seen.add(id);
    }
    const ids = new Set(held.map(({ id }) => id));
    this.#unassigned = this.#unassigned.filter(({ id }) => !ids.has(id));
    return this.#handOut([subtask]);
  }

  splitRequested(subtask: number): EnumeratorDecision {
    if (!this.#options.bounded) {
      return {};
    }
    this.#waiting.set(subtask, Math.min(MAX_REQUESTS, (this.#waiting.get(subtask) ?? 0) + 1));
    return this.#handOut([]);
  }

  splitsReturned(splits: readonly Split[]): EnumeratorDecision {
    const known = new Set(this.#unassigned.map(({ id }) => id));
    this.#unassigned.unshift(...(splits as readonly NamedSplit[]).filter(({ id }) => !known.has(id)));
    return this.#handOut([]);
  }

  readersEnded(subtasks: readonly number[]): void {
    subtasks.forEach((subtask) => this.#ended.add(subtask));
  }

  splitsAssigned(splits: readonly Split[]): void {
    const ids = new Set(splits.map(({ id }) => id));
    this.#unassigned = this.#unassigned.filter(({ id }) => !ids.has(id));
    ids.forEach((id) => this.#seen.add(id));
  }

  snapshot(): FoundSplitsState {
    return { seen: [...this.#seen], unassigned: [...this.#unassigned], complete: this.#complete };
  }

  /** `ending`: unbounded, those that hear now that there will be no more. */
  #handOut(ending: readonly number[]): EnumeratorDecision {
    if (this.#options.bounded) {
      return this.#serveWaiting();
    }
    const assign = this.#unassigned.map((split) => {
      // What came back goes to the reader that had it: the others may have ended.
      const owner = this.#owners.get(split.id);
      const subtask = owner === undefined || this.#ended.has(owner) ? this.#leastLoaded() : owner;
      this.#owners.set(split.id, subtask);
      return { subtask, splits: [split] };
    });
    this.#unassigned = [];
    return { assign, noMoreSplits: this.#complete ? ending : [] };
  }

  #leastLoaded(): number {
    const loads = Array.from({ length: this.#parallelism }, () => 0);
    for (const subtask of this.#owners.values()) {
      loads[subtask]!++;
    }
    const open = loads.map((load, subtask) => (this.#ended.has(subtask) ? Infinity : load));
    return open.indexOf(Math.min(...open));
  }

  #serveWaiting(): EnumeratorDecision {
    const assign: { subtask: number; splits: readonly Split[] }[] = [];
    // One each in turn, so that few splits are shared evenly.
    while (this.#waiting.size > 0 && this.#unassigned.length > 0) {
      for (const [subtask, count] of this.#waiting) {
        const split = this.#unassigned.shift();
        if (split === undefined) {
          break;
        }
        assign.push({ subtask, splits: [split] });
        if (count > 1) {
          this.#waiting.set(subtask, count - 1);
        } else {
          this.#waiting.delete(subtask);
        }
      }
    }
    const isExhausted = this.#complete && this.#unassigned.length === 0;
    const noMoreSplits = isExhausted ? [...this.#waiting.keys()] : [];
    noMoreSplits.forEach((subtask) => this.#waiting.delete(subtask));
    return { assign, noMoreSplits };
  }
}

export const foundSplitsEnumerator = (options: FoundSplitsOptions): EnumeratorFactory => ({
  kind: OWN_ENUMERATOR,
  create: (_config, parallelism, state) =>
    new FoundSplitsEnumerator(options, parallelism, state as FoundSplitsState | undefined),
});
