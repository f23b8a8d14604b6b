import type { EnumeratorDecision, EnumeratorFactory, Split, SplitEnumerator } from '../source.ts';
import { type FileSplit, fileSplits } from './file-split.ts';
import { findFiles } from './find-files.ts';

/** What the plan of a file source says, plain JSON. */
export interface FileEnumeratorConfig {
  readonly paths: readonly string[];
  /** `null`: a file is one split. */
  readonly splitSizeBytes: number | null;
  /** `null`: look once. */
  readonly monitorEveryMs: number | null;
}

interface FileEnumeratorState {
  /** Files that have been cut into splits. */
  readonly seen: readonly string[];
  readonly unassigned: readonly FileSplit[];
  /** Everything is found, nothing will come. */
  readonly complete: boolean;
  /** Splits of files that are still to be found, which a reader has already. */
  readonly assigned?: readonly string[];
}

/** A reader asks for the split in hand and one in advance; more than that is a request that was repeated. */
const MAX_REQUESTS = 2;

/** Finds files, cuts them into ranges of bytes and hands these out as readers ask. */
class FileEnumerator implements SplitEnumerator {
  readonly discoverEveryMs: number | undefined;
  readonly #config: FileEnumeratorConfig;
  readonly #seen: Set<string>;
  #unassigned: FileSplit[];
  #complete: boolean;
  /** Handed out before this enumerator was made, from files that it has not found yet. */
  readonly #assigned: Set<string>;
  /** How many splits each reader waits for. */
  readonly #waiting = new Map<number, number>();
  /** Sizes at the last look: while it is watched, a file is taken when it has stopped growing. */
  #sizes = new Map<string, number>();

  constructor(config: FileEnumeratorConfig, state: FileEnumeratorState | undefined) {
    this.#config = config;
    this.discoverEveryMs = config.monitorEveryMs ?? undefined;
    this.#seen = new Set(state?.seen);
    this.#unassigned = [...(state?.unassigned ?? [])];
    this.#complete = state?.complete ?? false;
    this.#assigned = new Set(state?.assigned);
  }

  async discover(): Promise<readonly FileSplit[]> {
    if (this.#complete) {
      return [];
    }
    const watching = this.#config.monitorEveryMs !== null;
    const sizes = new Map<string, number>();
    for (const pattern of this.#config.paths) {
      for (const { path, sizeBytes } of await findFiles(pattern, !watching)) {
        sizes.set(path, sizeBytes);
      }
    }
    const before = this.#sizes;
    this.#sizes = watching ? sizes : new Map();
    return [...sizes]
      .filter(([path, sizeBytes]) => !this.#seen.has(path) && (!watching || before.get(path) === sizeBytes))
      .flatMap(([path, sizeBytes]) => fileSplits(path, sizeBytes, this.#config.splitSizeBytes ?? Infinity));
  }

  discovered(splits: readonly Split[]): EnumeratorDecision {
    const found = new Set<string>();
    for (const split of splits as readonly FileSplit[]) {
      if (!this.#seen.has(split.path)) {
        found.add(split.path);
        if (!this.#assigned.delete(split.id)) {
          this.#unassigned.push(split);
        }
      }
    }
    for (const path of found) {
      this.#seen.add(path);
    }
    this.#complete ||= this.#config.monitorEveryMs === null;
    return this.#serveWaiting();
  }

  readerRegistered(subtask: number, held: readonly Split[]): EnumeratorDecision {
    this.#waiting.delete(subtask);
    const ids = new Set(held.map(({ id }) => id));
    this.#unassigned = this.#unassigned.filter(({ id }) => !ids.has(id));
    for (const { path } of held as readonly FileSplit[]) {
      this.#seen.add(path);
    }
    return this.#isExhausted() ? { noMoreSplits: [subtask] } : {};
  }

  splitRequested(subtask: number): EnumeratorDecision {
    this.#waiting.set(subtask, Math.min(MAX_REQUESTS, (this.#waiting.get(subtask) ?? 0) + 1));
    return this.#serveWaiting();
  }

  splitsAssigned(splits: readonly Split[]): void {
    const ids = new Set(splits.map(({ id }) => id));
    this.#unassigned = this.#unassigned.filter(({ id }) => !ids.has(id));
    for (const { id, path } of splits as readonly FileSplit[]) {
      // The other splits of a file that is not known here are found, and handed out, later.
      if (!this.#seen.has(path)) {
        this.#assigned.add(id);
      }
    }
  }

  splitsReturned(splits: readonly Split[]): EnumeratorDecision {
    splits.forEach(({ id }) => this.#assigned.delete(id));
    const known = new Set(this.#unassigned.map(({ id }) => id));
    // Those of a file that is not known here are found again with it.
    const returned = (splits as readonly FileSplit[]).filter(({ id, path }) => !known.has(id) && this.#seen.has(path));
    this.#unassigned.unshift(...returned);
    return this.#serveWaiting();
  }

  snapshot(): FileEnumeratorState {
    const assigned = this.#assigned.size === 0 ? {} : { assigned: [...this.#assigned] };
    return { seen: [...this.#seen], unassigned: [...this.#unassigned], complete: this.#complete, ...assigned };
  }

  #isExhausted(): boolean {
    return this.#complete && this.#unassigned.length === 0;
  }

  #serveWaiting(): EnumeratorDecision {
    const assign = new Map<number, Split[]>();
    // One each in turn, so that few splits are shared evenly.
    while (this.#waiting.size > 0 && this.#unassigned.length > 0) {
      for (const [subtask, count] of this.#waiting) {
        const split = this.#unassigned.shift();
        if (split === undefined) {
          break;
        }
        assign.set(subtask, [...(assign.get(subtask) ?? []), split]);
        if (count > 1) {
          this.#waiting.set(subtask, count - 1);
        } else {
          this.#waiting.delete(subtask);
        }
      }
    }
    const noMoreSplits = this.#isExhausted() ? [...this.#waiting.keys()] : [];
    for (const subtask of noMoreSplits) {
      this.#waiting.delete(subtask);
    }
    return {
      ...(assign.size === 0 ? {} : { assign: [...assign].map(([subtask, splits]) => ({ subtask, splits })) }),
      ...(noMoreSplits.length === 0 ? {} : { noMoreSplits }),
    };
  }
}

/** Registered with the JobManager under `file`. */
export const fileEnumerator: EnumeratorFactory = {
  kind: 'file',
  create: (config, _parallelism, state) =>
    new FileEnumerator(config as FileEnumeratorConfig, state as FileEnumeratorState | undefined),
};
