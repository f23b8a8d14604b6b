import type { SessionState, WatchHandle } from './zookeeper-client.ts';

/** Those who hear of states, each in the order of the changes, in a microtask: never from within a call of the client. */
export class StateListeners {
  readonly #listeners = new Set<{ readonly listener: (state: SessionState) => void }>();

  add(listener: (state: SessionState) => void): WatchHandle {
    const entry = { listener };
    this.#listeners.add(entry);
    return { end: () => this.#listeners.delete(entry) };
  }

  tell(state: SessionState): void {
    for (const entry of this.#listeners) {
      queueMicrotask(() => {
        if (this.#listeners.has(entry)) {
          entry.listener(state);
        }
      });
    }
  }
}
