import type { WatchHandle } from '../client/zookeeper-client.ts';

/** Those who hear of something, each in its order, in a microtask: never from within a call of a recipe. What one throws is uncaught. */
export class Listeners<T> {
  readonly #listeners = new Set<{ readonly listener: (told: T) => void }>();

  add(listener: (told: T) => void): WatchHandle {
    const entry = { listener };
    this.#listeners.add(entry);
    return { end: () => this.#listeners.delete(entry) };
  }

  tell(told: T): void {
    for (const entry of this.#listeners) {
      queueMicrotask(() => {
        if (this.#listeners.has(entry)) {
          entry.listener(told);
        }
      });
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
