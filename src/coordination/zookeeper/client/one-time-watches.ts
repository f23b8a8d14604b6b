import type { Watcher, WatchEvent } from './zookeeper-client.ts';

/** What a read asked to be told of: a node that is there, one that is not, the children of one. */
export type OneTimeKind = 'data' | 'absence' | 'children';

const KINDS: readonly OneTimeKind[] = ['data', 'absence', 'children'];

/** Which of them an event ends. */
const ENDED_BY: Readonly<Record<WatchEvent['kind'], readonly OneTimeKind[]>> = {
  created: ['data', 'absence'],
  changed: ['data', 'absence'],
  deleted: KINDS,
  'children-changed': ['children'],
};

/** Watches that hear of one event. The same function waits once for a path and kind, however often it was handed in. */
export class OneTimeWatches {
  readonly #watchers: Readonly<Record<OneTimeKind, Map<string, Set<Watcher>>>> = {
    data: new Map(),
    absence: new Map(),
    children: new Map(),
  };

  add(kind: OneTimeKind, path: string, watcher: Watcher): void {
    const watchers = this.#watchers[kind].get(path);
    if (watchers === undefined) {
      this.#watchers[kind].set(path, new Set([watcher]));
    } else {
      watchers.add(watcher);
    }
  }

  /** Those who hear of the event, each once. They no longer wait. */
  take({ kind, path }: WatchEvent): ReadonlySet<Watcher> {
    const taken = new Set<Watcher>();
    for (const each of ENDED_BY[kind]) {
      for (const watcher of this.#watchers[each].get(path) ?? []) {
        taken.add(watcher);
      }
      this.#watchers[each].delete(path);
    }
    return taken;
  }

  isWaitingAt(path: string): boolean {
    return KINDS.some((kind) => this.#watchers[kind].has(path));
  }

  paths(kind: OneTimeKind): Iterable<string> {
    return this.#watchers[kind].keys();
  }

  clear(): void {
    for (const kind of KINDS) {
      this.#watchers[kind].clear();
    }
  }
}
