import type { Watcher } from '../client/zookeeper-client.ts';

/**
 * Who waits for the end or change of which node. There is one watcher for all: a client keeps the same one once for each path, so that
 * those who give up do not leave ever more of them behind at a node that stays.
 */
export class Departures {
  readonly #waiting = new Map<string, Set<() => void>>();

  readonly watcher: Watcher = ({ path }) => {
    const all = this.#waiting.get(path);
    this.#waiting.delete(path);
    all?.forEach((resolve) => resolve());
  };

  /** `end`: nobody waits for the promise any more. */
  wait(path: string): { readonly moved: Promise<void>; readonly end: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const all = this.#waiting.get(path) ?? new Set();
    this.#waiting.set(path, all.add(resolve));
    return {
      moved: promise,
      end: () => {
        all.delete(resolve);
        if (all.size === 0 && this.#waiting.get(path) === all) {
          this.#waiting.delete(path);
        }
      },
    };
  }
}
